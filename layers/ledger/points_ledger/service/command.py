"""What all commands of callers have in common: each is done once per request."""

import json
from collections.abc import Mapping

from points_ledger.domain.dataclass import dataclass
from points_ledger.service.ports import Create, Request, RequestKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a caller asks for.

    Attributes:
        request: the originator's key, by which the same request is known when it comes again.
        fingerprint: what the key stands for, so that another input under it is noticed.
        actor: who asks, as entries name it.
    """

    request: RequestKey
    fingerprint: str
    actor: str

    def kept(self, result: Mapping[str, object]) -> Create:
        """The write that keeps what the command is answered, for when it comes again."""
        text = json.dumps(result)
        return Create(item=Request(key=self.request, fingerprint=self.fingerprint, result=text))
