"""What a member asks for that somebody has to approve: seen in the portal until it is decided.

The program that the stack begins with asks nobody; the version of the session asks about more
points than any other test moves.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_for
from tests.stack.circle import Circle
from tests.stack.client import StackClient
from tests.stack.office import adjust, approvals, decide, made
from tests.stack.published import ASKED_ABOVE as LIMIT
from tests.stack.published import Published

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def asking(ledger: StackClient, published: Published) -> None:
    """A program that asks about more than LIMIT points is in force."""
    published.wait(ledger)


def test_requests_are_shown_with_what_became_of_them(visitor: Visitor, ledger: StackClient) -> None:
    circle = Circle(ledger)
    person, colleague = circle.join(), circle.join()
    made(adjust(ledger, person.member_id, 5 * LIMIT))
    visitor.enter("portal", account_for(ledger, person.member_id))
    page = visitor.page
    visitor.go("/requests")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    expect(page.get_by_text("You have asked for nothing")).to_be_visible()

    for points in (LIMIT + 1, LIMIT + 2):
        visitor.go("/redeem")
        page.get_by_label("Points", exact=True).fill(str(points))
        page.get_by_role("button", name="Redeem", exact=True).click()
        expect(page.get_by_role("region", name="What came of it")).to_contain_text(
            "Waiting for approval"
        )
    visitor.go("/transfer")
    page.get_by_label("Email of the member").fill(colleague.email)
    page.get_by_label("Points", exact=True).fill(str(LIMIT + 3))
    page.get_by_role("button", name="Transfer").click()
    expect(page.get_by_role("main")).to_contain_text("are set aside until somebody has approved")

    visitor.go("/requests")
    requests = page.get_by_role("region", name="Your requests").get_by_role("listitem")
    expect(requests).to_have_count(3)
    for number in range(3):
        expect(requests.nth(number)).to_contain_text("Waiting for approval")
    assert visitor.violations() == []

    _decide(ledger, person.member_id, LIMIT + 3, "approve")
    _decide(ledger, person.member_id, LIMIT + 2, "reject")
    requests.nth(2).get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, cancel").click()

    expect(requests.nth(0)).to_contain_text("Approved")
    expect(requests.nth(1)).to_contain_text("Not approved")
    expect(requests.nth(2)).to_contain_text("Cancelled")
    expect(page.get_by_role("main").get_by_role("button", name="Cancel")).to_have_count(0)
    assert ledger.amounts(person.member_id) == (0, 4 * LIMIT - 3, 0)
    assert visitor.violations() == []


def _decide(ledger: StackClient, member_id: str, points: int, decision: str) -> None:
    [waiting] = [
        each
        for each in approvals(ledger)
        if (each["member_id"], each["points"]) == (member_id, points)
    ]
    made(decide(ledger, decision, waiting["approval_id"]), 200)
