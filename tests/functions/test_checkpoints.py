"""Checkpoints and proofs: one root a day for all heads, whatever becomes of its worker."""

import json
from datetime import date
from typing import Any

import pytest

from points_ledger.adapters.checkpoint_archive import day_key
from points_ledger.contracts.checkpoint import read_checkpoint, read_heads, read_parts, read_proofs
from points_ledger.domain.checkpoint import part_of, shard_of_parts
from points_ledger.runtime import bootstrap, checkpoints
from tests.functions.deployed import BUCKET, Context, Deployed
from tests.functions.gateway import STAFF, member

Json = dict[str, Any]
PROOF = "GET /members/{member_id}/proof"
DAY = date(2026, 9, 4)
MEMBERS = 4


@pytest.fixture
def ledger(deployed: Deployed) -> Deployed:
    deployed.make_bucket()
    for number in range(MEMBERS):
        deployed.enrol(f"C-{number}")
    deployed.give("C-1", 100)
    return deployed


def run(ledger: Deployed, context: Context | None = None, **event: str) -> Json:
    return ledger.invoke("checkpoints", event, context)


def objects(prefix: str = "") -> dict[str, Json]:
    client: Any = bootstrap.objects()
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        each["Key"]: json.loads(client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read())
        for each in listed
    }


def versions() -> int:
    client: Any = bootstrap.objects()
    return len(client.list_object_versions(Bucket=BUCKET).get("Versions", []))


def published_heads() -> dict[str, tuple[int, str]]:
    """All heads of the checkpoint, read from its root downwards; each level has to fit."""
    checkpoint = read_checkpoint(objects()[day_key(DAY)])
    found: dict[str, tuple[int, str]] = {}
    for shard in checkpoint.shards:
        parts = read_parts(objects()[f"shards/{shard.root.hex()}.json"])
        assert shard_of_parts(parts) == shard
        for part in parts:
            heads = read_heads(objects()[f"heads/{part.root.hex()}.json"])
            assert part_of(heads) == part
            found |= {head.member_id: (head.number, head.hash.hex()) for head in heads}
    assert len(found) == checkpoint.members
    return found


def all_heads(ledger: Deployed) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for number in range(MEMBERS):
        head = ledger.head(ledger.linked(f"C-{number}"))
        found[head.member_id] = head.number, head.hash.hex()
    return found


def proof(ledger: Deployed, member_id: str, **query: str) -> Json:
    answer = ledger.ask(PROOF, STAFF, path={"member_id": member_id}, query=query)
    assert answer.status == 200, answer.body
    return answer.body


# --- Making ---------------------------------------------------------------------------------


def test_a_checkpoint_stands_for_the_newest_entry_of_everybody(ledger: Deployed) -> None:
    assert run(ledger) == {"heads": MEMBERS, "parts": len(objects("heads/")), "published": 1}
    [line] = [each for each in ledger.printed.lines if each["message"] == "checkpoint_published"]
    assert line["ids"] == {"day": str(DAY), "root": objects()[day_key(DAY)]["root"]}
    assert any("checkpoints_published" in each for each in ledger.printed.metrics)
    assert published_heads() == all_heads(ledger)


def test_a_day_has_one_checkpoint(ledger: Deployed) -> None:
    run(ledger)
    before, stored = objects(), versions()
    ledger.give("C-2", 50)
    for _ in range(2):
        assert run(ledger) == {"heads": 0, "parts": 0, "published": 0}
    assert run(ledger, scheduled_time="2026-09-01T05:00:00Z")["published"] == 0
    assert (objects(), versions()) == (before, stored)


def test_another_checkpoint_under_its_day_is_an_alarm(ledger: Deployed) -> None:
    run(ledger)
    ledger.clock.move(days=1)
    forged = {**objects()[day_key(DAY)], "day": "2026-09-05"}
    client: Any = bootstrap.objects()
    client.put_object(Bucket=BUCKET, Key="days/2026-09-05.json", Body=json.dumps(forged))
    with pytest.raises(ValueError, match="does not have the root"):
        run(ledger)
    assert checkpoints.checkpointing().store.progress().day == DAY


# --- Proving --------------------------------------------------------------------------------


def test_everybody_has_a_proof(ledger: Deployed) -> None:
    run(ledger)
    heads = all_heads(ledger)
    for member_id, (number, hash_) in heads.items():
        body = proof(ledger, member_id)
        checkpoint, [found] = read_proofs(body)
        assert found.agrees(checkpoint)
        [said] = body["proofs"]
        assert (said["member_id"], said["entry"], said["hash"]) == (member_id, number, hash_)
        assert body["root"] == objects()[day_key(DAY)]["root"]


def test_a_day_may_be_named_and_is_the_last_one_otherwise(ledger: Deployed) -> None:
    member_id = ledger.linked("C-1")
    run(ledger)
    ledger.clock.move(days=1)
    ledger.give("C-1", 50)
    run(ledger)
    first, second = (objects()[f"days/2026-09-0{day}.json"] for day in (4, 5))
    assert (first["previous"], second["previous"]) == (None, first["root"])
    days = [proof(ledger, member_id)["day"], proof(ledger, member_id, day=str(DAY))["day"]]
    assert days == ["2026-09-05", "2026-09-04"]


def test_a_member_sees_the_own_proof_only(ledger: Deployed) -> None:
    run(ledger)
    own, other = ledger.linked("C-1"), ledger.linked("C-2")
    assert ledger.ask(PROOF, member(own), path={"member_id": "me"}).body["member_id"] == own
    answer = ledger.ask(PROOF, member(own), path={"member_id": other})
    assert answer.refusal == (403, "forbidden")


def test_what_is_not_there_is_said(ledger: Deployed) -> None:
    first = ledger.linked("C-1")

    def refused(member_id: str, **query: str) -> tuple[int, str]:
        return ledger.ask(PROOF, path={"member_id": member_id}, query=query).refusal

    assert refused(first) == (404, "not_found")
    run(ledger)
    assert refused("mbr_unknown") == (404, "not_found")
    assert refused(first, day="2026-09-03") == (404, "not_found")
    late = ledger.enrol("late")
    assert refused(late) == (404, "not_found")
    wrong = ledger.ask(PROOF, path={"member_id": first}, query={"day": "2026-9-4"})
    assert wrong.fields == ["day"]


def test_objects_that_do_not_fit_prove_nothing(ledger: Deployed) -> None:
    member_id = ledger.linked("C-1")
    run(ledger)
    client: Any = bootstrap.objects()
    for key, content in objects("heads/").items():
        for head in content["heads"]:
            head[1] += 1
        client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content))
    answer = ledger.ask(PROOF, path={"member_id": member_id})
    assert answer.status == 500
