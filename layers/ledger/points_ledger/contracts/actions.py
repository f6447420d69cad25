"""Actions: what clients report (docs/api.md)."""

from datetime import datetime
from typing import Annotated, Final, get_args

from points_ledger.contracts.reading import Schema
from points_ledger.contracts.redemptions import DEFAULT_TICKET_KIND, TICKET_SOURCES
from points_ledger.contracts.requests import Id
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.fact import PurchaseKind
from points_ledger.domain.identity import EarningKey
from points_ledger.service.acting import action_key

_PURCHASE_KINDS: Final = frozenset(get_args(PurchaseKind))


def _action_name(value: str) -> str:
    # A colon divides an action from its id, and marks what only the ledger performs.
    if ":" in value:
        raise ValueError("must not contain a colon")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionBody:
    """POST /actions."""

    member_id: Id
    action: Annotated[Id, _action_name, Schema(pattern=r"^[^:\u0000-\u001f\u007f-\u009f]+$")]
    action_id: Id
    occurred_at: datetime | None = None
    purchase_id: Id | None = None

    def __post_init__(self) -> None:
        """Refuse what no key can name."""
        action_key(self.action, self.action_id)

    @property
    def purchases(self) -> tuple[EarningKey, ...]:
        """The keys that the linked purchase may have; none without one.

        `source:kind:id`, as earnings are named, is the purchase itself. Anything else is the id of
        a ticket, from any source that a till's sale may have.
        """
        if self.purchase_id is None:
            return ()
        parts = self.purchase_id.split(":", 2)
        if len(parts) == len(EarningKey.__dataclass_fields__) and parts[1] in _PURCHASE_KINDS:
            return (EarningKey.parse(self.purchase_id),)
        return tuple(
            EarningKey(source=source, kind=DEFAULT_TICKET_KIND, id=self.purchase_id)
            for source in TICKET_SOURCES
        )
