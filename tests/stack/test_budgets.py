"""A campaign's budget over HTTP: many purchases at once give out exactly what there is.

The campaign is about an item of its own, in the version that the session publishes.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack.client import StackClient, now
from tests.stack.published import BUDGET, Budgeted, Published
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]

MEMBERS = 12
PURCHASES_EACH = 5
POINTS = 10
"""What a purchase earns by the rule, and once more by the campaign while there is budget."""
IN_FLIGHT = 12


@pytest.fixture(scope="module")
def budgeted(ledger: StackClient, published: Published) -> Budgeted:
    """A version with the campaign is in force."""
    published.wait(ledger)
    return published.budgeted


def sold(budgeted: Budgeted, customer_id: str) -> tuple[Purchase, Json]:
    """A purchase of the campaign's item, and the message about it."""
    bought = Purchase(customer_id=customer_id, amount=f"{POINTS}.00", posted_at=now())
    line = {
        "id": "1",
        "item": budgeted.item,
        "category": "uncounted",
        "amount": bought.amount,
    }
    return bought, bought.posted(lines=[line])


def parts_of(ledger: StackClient, budgeted: Budgeted, member_id: str) -> dict[str, tuple[int, int]]:
    """What every purchase of a member earned: by the rule and by the campaign."""
    found: dict[str, list[int]] = {}
    for entry in ledger.entries(member_id):
        if entry["source"] and entry["type"] in ("accrual", "reversal"):
            earned = found.setdefault(entry["source"]["id"], [0, 0])
            for rule in entry["rules"]:
                earned[rule["id"] == budgeted.campaign] += rule["points"]
    return {id_: (base, bonus) for id_, (base, bonus) in found.items()}


def test_purchases_at_once_give_out_exactly_the_budget_and_later_ones_what_comes_back(
    ledger: StackClient, budgeted: Budgeted
) -> None:
    members = [ledger.customer() for _ in range(MEMBERS)]
    purchases = [
        (member_id, *sold(budgeted, customer_id))
        for _ in range(PURCHASES_EACH)
        for member_id, customer_id in members
    ]
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        list(threads.map(lambda each: ledger.deliver(each[2]), purchases))
    for member_id, _ in members:
        ledger.wait_for(
            f"all purchases of {member_id}",
            lambda id_=member_id: parts_of(ledger, budgeted, id_),  # type: ignore[misc]  # the default binds the loop's value
            lambda found: len(found) == PURCHASES_EACH,
        )

    earned = {
        id_: parts
        for member_id, _ in members
        for id_, parts in parts_of(ledger, budgeted, member_id).items()
    }
    assert len(earned) == MEMBERS * PURCHASES_EACH
    assert {base for base, _ in earned.values()} == {POINTS}
    bonuses = [bonus for _, bonus in earned.values()]
    assert sum(bonuses) == BUDGET
    assert all(0 <= bonus <= POINTS for bonus in bonuses)
    pending = sum(ledger.balance(member_id)["pending"] for member_id, _ in members)
    assert pending == MEMBERS * PURCHASES_EACH * POINTS + BUDGET

    # Told again, in parallel, nothing changes.
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        list(threads.map(lambda each: ledger.deliver(each[2]), purchases[:IN_FLIGHT]))
    ledger.wait_until_processed()
    assert pending == sum(ledger.balance(member_id)["pending"] for member_id, _ in members)

    # A purchase that is taken back gives its part to a later one; those before are not raised.
    member_id, gone = next((m, p) for m, p, _ in purchases if earned[p.id][1] == POINTS)
    ledger.settle(gone.voided(at=now()))
    ledger.wait_for(
        f"{gone.id} is taken back",
        lambda: parts_of(ledger, budgeted, member_id)[gone.id],
        lambda found: found == (0, 0),
    )
    later_id, later_customer = ledger.customer()
    later, message = sold(budgeted, later_customer)
    ledger.settle(message)
    ledger.wait_for_amounts(later_id, pending=2 * POINTS)
    assert parts_of(ledger, budgeted, later_id) == {later.id: (POINTS, POINTS)}
    last_id, last_customer = ledger.customer()
    last, message = sold(budgeted, last_customer)
    ledger.settle(message)
    ledger.wait_for_amounts(last_id, pending=POINTS)
    assert parts_of(ledger, budgeted, last_id) == {last.id: (POINTS, 0)}
    [entry] = [each for each in ledger.entries(last_id) if each["type"] == "accrual"]
    assert entry["details"]["truncated"] == budgeted.campaign
    assert entry["inputs"][f"campaign:{budgeted.campaign}"] == f"{POINTS} room 0"
