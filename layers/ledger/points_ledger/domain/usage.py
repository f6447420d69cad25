"""What a member has used of limits and caps: named counters on the account, kept within bounds.

    used:rule:<id>:<period>   how many earnings counted for a rule's limit, by day, month or year of
                              the program's zone; without a period for a whole life
    used:campaign:<id>        what a campaign gave, where it has a cap per member
    over:<campaign>           the day, as a number, on which a campaign with such a counter was
                              first found to be gone from the program

An earning holds what it used and gives it back (drafting.py). Counters of periods would grow for
ever, so the posting that adds to one drops what is long over: of each rule all but the newest
periods, and campaigns that ended, or left the program, KEPT_DAYS ago. In a period that is no longer
counted a limit is taken to be used up, and what is given back late takes nothing away.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from points_ledger.domain.periods import last_day_of, period_of
from points_ledger.domain.program import LimitPeriod, Program
from points_ledger.domain.state import Counters, State, summed

USED: Final = "used:"
OVER: Final = "over:"
_RULE: Final = f"{USED}rule:"
_CAMPAIGN: Final = f"{USED}campaign:"

KEPT_PERIODS: Final[Mapping[LimitPeriod, int]] = {"day": 31, "month": 12, "year": 5}
"""The newest periods of a rule that stay counted."""
KEPT_DAYS: Final = 400
"""How long after its end a campaign's counter stays, and after its period that of a former rule: a
purchase may be paid, edited or returned until then and finds what was used."""


def limit_counter_of(rule_id: str, per: LimitPeriod, day: date) -> str:
    """The name of the counter of a limit for the period that `day` is in."""
    return f"{_RULE}{rule_id}:{'' if per == 'lifetime' else period_of(day, per)}"


def cap_counter_of(campaign_id: str) -> str:
    """The name of the counter of a campaign's cap per member."""
    return f"{_CAMPAIGN}{campaign_id}"


def is_forgotten(counter: str, counters: Collection[str]) -> bool:
    """Whether the counter of a limit may have been dropped: as many newer periods are counted."""
    per = _kind(counter)
    if per is None or counter in counters:
        return False
    newer = [name for name in counters if name > counter and _siblings(name, counter)]
    return len(newer) >= KEPT_PERIODS[per]


def within_bounds(
    change: Counters, state: State, *, in_force: Program, today: date, forgets: bool
) -> Counters:
    """A change of counters as the account takes it: nothing falls below zero, what is over goes.

    Only what adds to a limit or cap drops others. A counter that was to fall and cannot stays in
    the change with 0, so that there is an entry. Where it `forgets` nothing, nothing is dropped.
    """
    taken = {
        name: max(value, -state.counter(name)) if name.startswith(USED) else value
        for name, value in change.items()
    }
    if not forgets or not any(n.startswith(USED) and value > 0 for n, value in taken.items()):
        return taken
    after = summed(state.counters, taken)
    gone = {*_older_periods(after), *_former_rules(after, in_force, today)}
    over = _over(after, in_force, today)
    gone |= {name for name, since in over.items() if since + timedelta(days=KEPT_DAYS) < today}
    marked = {
        _mark(name): since.toordinal()
        for name, since in over.items()
        if name not in gone and _known(name, in_force) is None
    }
    marks = {name for name in after if name.startswith(OVER)} | marked.keys()
    dropped = {name: -state.counter(name) for name in gone}
    moved = {name: marked.get(name, 0) - state.counter(name) for name in marks}
    return {**taken, **dropped, **{name: value for name, value in moved.items() if value}}


def _kind(counter: str) -> LimitPeriod | None:
    """What the period is of which a counter counts; None where it is none of a limit."""
    if not counter.startswith(_RULE):
        return None
    label = counter.rpartition(":")[2]
    return {10: "day", 7: "month", 4: "year"}.get(len(label))  # type: ignore[return-value]


def _siblings(one: str, other: str) -> bool:
    """Whether two counters are of the same rule and the same kind of period."""
    return len(one) == len(other) and one.rpartition(":")[0] == other.rpartition(":")[0]


def _older_periods(counters: Counters) -> Iterator[str]:
    """Of each rule the counters of all but the newest periods."""
    by_rule: dict[tuple[str, LimitPeriod], list[str]] = defaultdict(list)
    for name in counters:
        per = _kind(name)
        if per is not None:
            by_rule[name.rpartition(":")[0], per].append(name)
    for (_, per), names in by_rule.items():
        yield from sorted(names)[: -KEPT_PERIODS[per]]


def _former_rules(counters: Counters, in_force: Program, today: date) -> Iterator[str]:
    """Counters of periods long past, of rules that the program no longer has."""
    rules = {rule.id for rule in in_force.rules}
    for name in counters:
        if _kind(name) is None:
            continue
        id_, _, period = name.removeprefix(_RULE).rpartition(":")
        last_day = last_day_of(period)
        is_past = last_day is not None and last_day + timedelta(days=KEPT_DAYS) < today
        if id_ not in rules and is_past:
            yield name


def _over(counters: Counters, in_force: Program, today: date) -> dict[str, date]:
    """Since when campaigns with a counter are over: they ended, or the program has them no more."""
    found: dict[str, date] = {}
    for name in counters:
        if not name.startswith(_CAMPAIGN):
            continue
        ends = _known(name, in_force)
        if ends is None:
            since = counters.get(_mark(name))
            found[name] = date.fromordinal(since) if since else today
        elif ends < today:
            found[name] = ends
    return found


def _known(name: str, in_force: Program) -> date | None:
    """The day on which a campaign ends; None where the program does not have it."""
    id_ = name.removeprefix(_CAMPAIGN)
    return next((each.ends.date() for each in in_force.campaigns if each.id == id_), None)


def _mark(name: str) -> str:
    return f"{OVER}{name.removeprefix(_CAMPAIGN)}"
