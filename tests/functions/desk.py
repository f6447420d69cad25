"""A stack of functions with a stage set for one call of every route."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.authorization.calls import Call
from tests.functions.deployed import Answer, Deployed
from tests.functions.gateway import CallerKind, person

Json = dict[str, Any]

COLLEAGUE: Final = person("colleague", groups="[admin]")


@dataclass
class Desk:
    """A stack of functions in which a colleague sets the stage."""

    deployed: Deployed
    member_id: str = ""
    friend_id: str = ""
    calls: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.member_id = self.deployed.enrol("C-1", organisation="Acme")
        self.friend_id = self.deployed.enrol("C-2", organisation="Acme")
        self.deployed.give("C-1", 60_000)
        self.deployed.queue_simulations()
        self.deployed.make_last_resorts()
        self.deployed.make_bucket()
        self.deployed.queue_outbound()
        self.deployed.open_pool()

    def ask(self, route: str, call: Call, caller: CallerKind) -> Answer:
        return self.deployed.ask(
            route,
            caller,
            path=call.path or None,
            query=call.query or None,
            body=call.body,
            key=f"call-{next(self.calls)}",
        )

    def colleague(self, route: str, call: Call) -> Json:
        answer = self.ask(route, call, COLLEAGUE)
        assert answer.status in (200, 201, 202), answer.body
        return answer.body

    def enrol(self) -> str:
        return self.deployed.enrol()
