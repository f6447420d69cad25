"""What tests of the console have in common: people at it, and members to look after."""

from dataclasses import dataclass
from typing import Final, Literal

from playwright.sync_api import Locator

from tests.browser.visitor import Visitor, account_of
from tests.stack.client import StackClient, unique

Role = Literal["admin", "staff"]

SCRIPT: Final = "<script>window.harmed = true</script>"
IMAGE: Final = '<img src="x" onerror="window.harmed = true">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member whom nobody else is called like."""

    member_id: str
    name: str
    email: str
    customer_id: str

    @property
    def story(self) -> str:
        """The page of this member."""
        return f"/members/{self.member_id}"


def enrolled(ledger: StackClient, *, points: int = 0, **more: object) -> Person:
    """A new member, with so many available points; a multiple of 3."""
    customer_id = unique("customer")
    name, email = f"{customer_id.title()} Jones", f"{customer_id}@example.org"
    external_id = {"source": "pos", "id": customer_id}
    about = {"name": name, "email": email, "external_ids": [external_id], **more}
    person = Person(
        member_id=ledger.enrol(**about),  # type: ignore[arg-type]  # the name is among them
        name=str(about["name"]),
        email=email,
        customer_id=customer_id,
    )
    if points:
        ledger.make_rich(person.member_id, customer_id, points)
    return person


def at_console(visitor: Visitor, route: str, role: Role = "staff") -> None:
    """Signed in as staff, at one of the pages."""
    visitor.enter("console", account_of(visitor.stack, role))
    visitor.go(route)


def main_part(visitor: Visitor) -> Locator:
    """What is below the frame."""
    return visitor.page.get_by_role("main")


def card(visitor: Visitor, name: str) -> Locator:
    """A section by its heading."""
    return visitor.page.get_by_role("region", name=name, exact=True)
