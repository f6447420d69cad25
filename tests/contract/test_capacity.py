"""What writes cost: units as the emulator counts them, which are those of AWS for writes.

The shapes are the reference of docs/table.md: 40 lots, 5 lines. Half of each bill is the
transaction; an index entry that appears or goes is one unit, one that stays as it is none.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import RedemptionId
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    GuardAbsent,
    Link,
    Marker,
    PaymentLink,
    Put,
    Redemption,
    Save,
    Wait,
    Write,
)
from tests.contract import shapes
from tests.contract.backends import Backend
from tests.contract.shapes import CUSTOMER, INVOICE, MEMBER, PAYMENT, RECORDED_AT

HOLD = Put(item=Marker(kind="hold_release", due_at=RECORDED_AT, target=str(INVOICE)))
EXPIRY = Put(item=Marker(kind="expiry", due_at=RECORDED_AT, target=MEMBER))
REDEMPTION = Redemption(
    redemption_id=RedemptionId("rdm_7h2k9x4qv1w8d3nz"),
    member_id=MEMBER,
    fingerprint="f" * 64,
    points=500,
    amount="5.00",
    currency="USD",
    kind="ticket",
    status="completed",
    created_at=RECORDED_AT,
    entry=2,
    result="{}" * 200,
)


class Meter:
    """Requests of one client and the capacity that each is billed."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - its events are not in the stubs
        self.billed: list[tuple[str, float]] = []
        self._events = client.meta.events
        self._events.register("provide-client-params.dynamodb", self._ask)
        self._events.register("after-call.dynamodb", self._note)

    def close(self) -> None:
        self._events.unregister("provide-client-params.dynamodb", self._ask)
        self._events.unregister("after-call.dynamodb", self._note)

    def _ask(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _note(self, parsed: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        consumed = parsed.get("ConsumedCapacity", [])
        tables = consumed if isinstance(consumed, list) else [consumed]
        self.billed.append((model.name, sum(table["CapacityUnits"] for table in tables)))


@pytest.fixture
def metered(emulator: Backend) -> Iterator[tuple[Backend, Meter]]:
    # Both hours are known from the start, as they are to a process that has just met them.
    for marker in (HOLD, EXPIRY):
        emulator.store.commit([marker])
    meter = Meter(emulator.client)
    yield emulator, meter
    meter.close()


def second(entry: Entry) -> Append:
    return Append(entry=replace(entry, number=2))


PENDING = Save(item=shapes.purchase(), expected=0)
MATURED = Save(item=shapes.purchase(pending=False), expected=1)
ACCRUAL, MATURATION = second(shapes.accrual()), second(shapes.maturation())
KNOWN = Link(item=PaymentLink(payment=PAYMENT, purchase=INVOICE))


@pytest.mark.parametrize(
    ("before", "writes", "units"),
    [
        pytest.param([], [ACCRUAL], 1, id="an entry alone"),
        pytest.param([], [ACCRUAL, PENDING, HOLD], 7, id="accrual"),
        pytest.param([PENDING], [replace(PENDING, expected=1)], 1, id="payment noted"),
        pytest.param([PENDING], [replace(PENDING, expected=1), KNOWN], 4, id="and named"),
        pytest.param([PENDING], [MATURATION, MATURED], 5, id="maturation"),
        pytest.param([PENDING], [MATURATION, MATURED, EXPIRY], 7, id="maturation, new lot"),
        pytest.param(
            [], [second(shapes.redemption()), Create(item=REDEMPTION)], 4, id="redemption"
        ),
        pytest.param(
            [],
            [Wait(external_id=CUSTOMER, earning=INVOICE), GuardAbsent(key=CUSTOMER)],
            4,
            id="waiting for a customer",
        ),
    ],
)
def test_units_of_a_commit(
    metered: tuple[Backend, Meter], before: list[Write], writes: list[Write], units: int
) -> None:
    backend, meter = metered
    if before:
        assert backend.store.commit(before) == Committed()
    meter.billed.clear()
    assert backend.store.commit(writes) == Committed()
    operation = "PutItem" if len(writes) == 1 else "TransactWriteItems"
    assert meter.billed == [(operation, units)]
