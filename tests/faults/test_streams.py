"""The table's stream handed over in other batches, again, and by a process that was killed."""

import json
import random
from decimal import Decimal
from typing import Any

from points_ledger.domain.fact import PurchaseRefunded, Refund
from points_ledger.runtime import stream as runtime_stream
from tests.functions.deployed import SALE, Deploy, Deployed, program, settled, sold, ticket

Json = dict[str, Any]

DELIVERIES = 4


def lived(deploy: Deploy) -> Deployed:
    """Two members who earned, spent and gave back."""
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    for customer in ("C-1", "C-2"):
        member_id = deployed.enrol(customer)
        deployed.accrue(sold("100.00", id_=f"T-{customer}", customer=customer))
        deployed.mature(settled(f"T-{customer}"))
        deployed.ask("POST /redemptions", body={"member_id": member_id, "points": 30}, key=customer)
        refund = Refund(id="R-1", at=SALE, amount=Decimal("10.00"))
        deployed.accrue(PurchaseRefunded(purchase=ticket(f"T-{customer}"), refund=refund))
    return deployed


def told(deployed: Deployed, *batches: list[Json]) -> dict[str, Json]:
    """Every event by its id; the same id always tells the same."""
    events: dict[str, Json] = {}
    for batch in batches:
        deployed.invoke("ledger_events", {"Records": batch})
        for event in deployed.published():
            detail = event["detail"]
            assert events.setdefault(detail["id"], detail) == detail
    return events


def test_a_stream_in_any_batches_tells_the_same_events(deploy: Deploy) -> None:
    deployed = lived(deploy)
    records = deployed.streamed()
    runtime_stream._noted.clear()
    whole = told(deployed, records)
    assert len(whole) == 10

    dice = random.Random(5)  # noqa: S311 - how records are batched is no secret
    for _ in range(DELIVERIES):
        batches, done = [], 0
        while done < len(records):
            begin = dice.randint(max(0, done - 3), done)
            done = min(len(records), max(done + 1, begin + dice.randint(1, 12)))
            batches.append(records[begin:done])
        again = told(deployed, *batches)
        assert json.dumps(again, sort_keys=True) == json.dumps(whole, sort_keys=True)
