"""Checkpoints over HTTP: a member proves an export by what was published, and no forgery passes."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from points_ledger.verify import AGREES, DIFFERS, main
from tests.stack.circle import Circle
from tests.stack.client import StackClient

pytestmark = pytest.mark.stack

Json = dict[str, Any]


def test_a_member_proves_an_export_by_a_published_checkpoint(
    ledger: StackClient, tmp_path: Path
) -> None:
    circle = Circle(ledger)
    person = circle.join(600)
    token = ledger.sign_up(person.member_id)
    # A day that no schedule of this session has made a checkpoint of.
    day = (datetime.now(UTC) + timedelta(days=2)).replace(hour=18, minute=0)
    published = ledger.sweep("checkpoints", day)
    assert published["published"] == 1
    assert published["heads"] >= 1
    assert ledger.sweep("checkpoints", day) == {"heads": 0, "parts": 0, "published": 0}

    export = ledger.get(f"/members/{person.member_id}/export", token=token)
    proof = ledger.get("/members/me/proof", token=token, query={"day": f"{day:%Y-%m-%d}"})
    assert (export.status_code, proof.status_code) == (200, 200), proof.text
    assert proof.json()["day"] == f"{day:%Y-%m-%d}"
    other = ledger.sign_up(circle.join().member_id)
    path = f"/members/{person.member_id}/proof"
    assert ledger.get(path, token=other).status_code == 403

    def verified(document: Json) -> int:
        files = {"export": document, "proof": proof.json(), "root": proof.json()["checkpoint"]}
        for name, content in files.items():
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        names = [str(tmp_path / name) for name in files]
        return main([names[0], "--proof", names[1], "--root", names[2]])

    assert verified(export.json()) == AGREES
    without_last = copy.deepcopy(export.json())
    without_last["entries"].pop()
    without_last["balance"] = None
    assert verified(without_last) == DIFFERS
