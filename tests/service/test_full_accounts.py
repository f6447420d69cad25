"""An account of MAX_LOTS lots, of which one has passed: what is late never comes back to life."""

from datetime import UTC, date, datetime, timedelta

from points_ledger.domain.limit import MAX_LOTS
from tests.builders import posted, program
from tests.service.office import Office

FIRST = date(2026, 3, 10)
NOON_AFTER = datetime(2026, 3, 11, 12, tzinfo=UTC)


def test_a_credit_that_joins_lots_joins_none_that_has_passed() -> None:
    office = Office(program(requires_payment=False, expires_after="P61D", round_to="day"))
    office.enrol("ada", name="ada")
    days = [FIRST, FIRST + timedelta(days=1)]
    days += [FIRST + timedelta(days=1 + 3 * number) for number in range(2, MAX_LOTS)]
    for number, day in enumerate(days):
        office.adjust(10, last_day=day, key=f"lot-{number}")
    office.wait(NOON_AFTER)

    office.tell(posted("100", id="new", at=office.now))

    assert office.balances() == (0, 10 * (MAX_LOTS - 1) + 100, 0)
