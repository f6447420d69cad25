"""Publishing program versions. Today: loading the first one at deployment."""

from dataclasses import dataclass
from typing import Final

from points_ledger.domain.program import VersionPeriod
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import Create, ProgramVersion, Save, VersionList

FIRST_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """Adds program versions; a published version never changes."""

    path: WritePath

    def load_first(self, version: ProgramVersion) -> bool:
        """Make `version` the first one of an empty stack; whether it was not there before.

        The first version serves every instant until the next takes effect.
        """
        return self.path.run(lambda view: self._decide(view, version))

    def _decide(self, view: View, version: ProgramVersion) -> Decision[bool]:
        if view.versions() is not None:
            return Decision(result=False)
        period = VersionPeriod(version=FIRST_VERSION, effective_from=version.published_at)
        return Decision(
            result=True,
            writes=(Create(item=version), Save(item=VersionList(periods=(period,)), expected=0)),
        )
