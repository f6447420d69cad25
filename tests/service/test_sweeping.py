"""Markers bring back what falls due, and the sweep visits each of them, come what may."""

from datetime import datetime
from typing import Any

from points_ledger.domain.error import ConflictError
from points_ledger.service.ports import Marker, Put
from points_ledger.service.sweep import PAGE_SIZE, Sweep, SweepReport
from tests.builders import DAY, HOUR, START, after, bounced, paid, posted, program
from tests.memory_store import MemoryStore
from tests.service.desk import Desk

# ---- Markers of earnings


def test_a_hold_arms_a_marker_for_its_end() -> None:
    desk = Desk(program(hold="PT24H"))
    desk.tell(posted("50.00"))
    assert [marker.due_at for marker in desk.markers("hold_release")] == [after(hours=24)]


def test_a_payment_during_the_hold_needs_no_other_marker() -> None:
    desk = Desk(program(hold="PT24H"))
    desk.tell(posted("50.00"))
    before = desk.markers("hold_release")
    desk.wait(after(hours=1))
    desk.tell(paid("50.00", at=after(hours=1)))
    assert desk.markers("hold_release") == before
    desk.wait(after(hours=24))
    assert desk.sweep("hold_release").posted == 1
    assert desk.balances() == (0, 50, 0)


def test_an_unpaid_purchase_arms_its_lapse_when_the_hold_ends() -> None:
    desk = Desk(program(hold="PT24H", cancel_unpaid_after="P30D"))
    desk.tell(posted("50.00"))
    desk.wait(after(hours=24))
    assert desk.release().entries == 0
    assert [m.due_at for m in desk.markers("hold_release")] == [after(hours=24), after(days=30)]
    desk.wait(after(days=30))
    assert desk.sweep("hold_release").posted == 1
    assert desk.types()[-1] == "lapse"
    assert desk.balances() == (0, 0, 0)


def test_a_payment_after_the_lapse_matures_all_the_same() -> None:
    desk = Desk(program(cancel_unpaid_after="P30D"), now=after(days=31))
    desk.tell(posted("50.00"))
    assert desk.balances() == (0, 0, 0)
    desk.tell(paid("50.00"))
    assert desk.balances() == (0, 50, 0)


def test_an_earlier_due_time_arms_a_new_marker_and_a_later_one_re_arms_when_visited() -> None:
    desk = Desk(program(return_window="P2D"))
    desk.tell(posted("50.00"), paid("50.00", at=after(hours=2)))
    assert [m.due_at for m in desk.markers("hold_release")] == [after(days=2, hours=2)]
    desk.tell(bounced(at=after(hours=3)), paid("50.00", "payment-2", at=after(hours=5)))
    assert [m.due_at for m in desk.markers("hold_release")] == [after(days=2, hours=2)]
    desk.wait(after(days=2, hours=2))
    assert desk.sweep("hold_release") == SweepReport(visited=1)
    assert [m.due_at for m in desk.markers("hold_release")] == [
        after(days=2, hours=2),
        after(days=2, hours=5),
    ]
    desk.wait(after(days=2, hours=5))
    assert desk.sweep("hold_release").posted == 1
    assert desk.balances() == (0, 50, 0)


# ---- Markers of lots


def test_a_lot_arms_one_marker_when_it_opens() -> None:
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("50.00"), paid("50.00"))
    desk.tell(posted("10.00", id="purchase-2"), paid("10.00", id="purchase-2"))
    assert [marker.due_at for marker in desk.markers("expiry")] == [after(days=1, hours=12)]


def test_a_lot_expires_at_midnight_after_its_last_day_and_only_once() -> None:
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("50.00"), paid("50.00"))
    desk.wait(after(days=1, hours=11))
    assert (desk.expire(), desk.sweep("expiry").visited) == (0, 0)
    desk.wait(after(days=1, hours=12))
    assert desk.sweep("expiry") == SweepReport(due=1, posted=1, visited=1)
    assert desk.types()[-1] == "expiry"
    assert desk.expire() == 0
    assert desk.balances() == (0, 0, 0)


def test_nobody_s_lots_do_not_expire() -> None:
    assert Desk(program()).expire() == 0


# ---- The sweep itself


class Visits:
    """A sweep over markers that only takes note."""

    def __init__(self, count: int = 1, due_at: datetime = START) -> None:
        self.now = START
        self.store = MemoryStore(clock=lambda: self.now)
        self.seen: list[str] = []
        self.failing: set[str] = set()
        self.arm(*(f"target-{number:04}" for number in range(count)), due_at=due_at)

    def arm(self, *targets: str, due_at: datetime = START) -> None:
        for target in targets:
            self.store.commit([Put(item=Marker(kind="expiry", due_at=due_at, target=target))])

    def visit(self, target: str, _now: datetime) -> int:
        self.seen.append(target)
        if target in self.failing:
            raise ConflictError
        return 1

    def sweep(self, most: int | None = None, **settings: Any) -> Sweep:  # noqa: ANN401 - the sweep's
        """A sweep that has time for so many visits."""
        before = len(self.seen)
        return Sweep(
            kind="expiry",
            store=self.store,
            visit=self.visit,
            clock=lambda: self.now,
            has_time=lambda: most is None or len(self.seen) - before < most,
            **settings,
        )

    def run(self, now: datetime | None = None, most: int | None = None) -> SweepReport:
        return self.sweep(most).run(now or self.now)


def test_every_marker_of_several_pages_is_visited_once() -> None:
    visits = Visits(2 * PAGE_SIZE + 50)
    assert visits.run().visited == 2 * PAGE_SIZE + 50
    assert len(set(visits.seen)) == len(visits.seen)


def test_exactly_one_full_page_is_visited_once() -> None:
    visits = Visits(PAGE_SIZE)
    assert visits.run().visited == PAGE_SIZE
    assert len(set(visits.seen)) == PAGE_SIZE


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped() -> None:
    visits = Visits(2 * PAGE_SIZE + 50)
    report = visits.run(most=PAGE_SIZE + 20)
    assert (report.visited, report.complete) == (PAGE_SIZE + 20, False)
    assert visits.run().complete
    assert len(visits.seen) == 2 * PAGE_SIZE + 50
    assert len(set(visits.seen)) == 2 * PAGE_SIZE + 50


def test_without_any_time_nothing_is_lost() -> None:
    visits = Visits(3)
    assert not visits.run(most=0).complete
    assert visits.run().visited == 3


def test_what_is_not_due_is_left() -> None:
    visits = Visits(due_at=START + HOUR)
    assert visits.run().visited == 0
    visits.now = START + HOUR
    assert visits.run().visited == 1


def test_a_failing_visit_does_not_stop_the_others_and_is_made_again_when_the_hour_closes() -> None:
    visits = Visits(3)
    visits.failing = {"target-0001"}
    assert visits.run() == SweepReport(due=2, posted=2, failed=1, visited=3)
    visits.failing.clear()
    visits.now = START + 2 * HOUR
    visits.seen.clear()
    assert visits.run().failed == 0
    assert "target-0001" in visits.seen


def test_an_hour_stays_open_as_long_as_a_visit_fails() -> None:
    visits = Visits(1)
    visits.failing = {"target-0000"}
    for hours in (0, 2, 5, 9):
        visits.now = START + hours * HOUR
        assert visits.run().failed == 1
    visits.failing.clear()
    visits.now = START + 10 * HOUR
    assert visits.run().posted == 1
    visits.now = START + 13 * HOUR
    assert visits.run().visited == 0


def test_a_run_for_a_future_instant_leaves_no_gap() -> None:
    visits = Visits(1, due_at=START + 3 * DAY)
    assert visits.run(now=START + 3 * DAY).visited == 1
    visits.arm("sooner", due_at=START + DAY)
    visits.now = START + DAY
    visits.run()
    assert "sooner" in visits.seen


def test_a_marker_for_a_time_that_has_passed_is_found_in_the_current_hour() -> None:
    visits = Visits(1)
    visits.now = START + 5 * DAY
    visits.run()
    visits.arm("late", due_at=START + DAY)
    visits.run()
    assert "late" in visits.seen


def test_a_marker_that_is_armed_behind_the_cursor_is_visited_when_the_hour_closes() -> None:
    visits = Visits(PAGE_SIZE, due_at=START + HOUR / 2)
    visits.now = START + HOUR / 2
    visits.run()
    visits.arm("before", due_at=START + HOUR / 4)
    visits.now = START + 2 * HOUR
    visits.run()
    assert "before" in visits.seen


def test_an_hour_too_long_for_one_run_is_closed_by_several_and_keeps_no_other_waiting() -> None:
    visits = Visits(5 * PAGE_SIZE + 50)
    visits.arm("later", due_at=START + HOUR)
    for hours in range(2, 8):
        visits.now = START + hours * HOUR
        visits.run(most=2 * PAGE_SIZE)
    assert len(set(visits.seen)) == 5 * PAGE_SIZE + 51
    visits.seen.clear()
    visits.now = START + 9 * HOUR
    assert visits.run().visited == 0


def test_a_failure_early_in_a_long_hour_is_visited_again_though_later_runs_had_none() -> None:
    visits = Visits(2 * PAGE_SIZE + 50)
    visits.failing = {"target-0001"}
    visits.now = START + 2 * HOUR
    for _ in range(5):
        visits.run(most=PAGE_SIZE)
        if "target-0001" in visits.seen:
            break
    visits.failing.clear()
    visits.seen.clear()
    visits.run()
    visits.run()
    assert "target-0001" in visits.seen
    visits.now = START + 4 * HOUR
    assert visits.run().visited == 0


def test_sweeping_twice_posts_nothing_more() -> None:
    desk = Desk(program(hold="PT24H"))
    desk.tell(posted("50.00"), paid("50.00"))
    desk.wait(after(hours=24))
    assert desk.sweep("hold_release").posted == 1
    before = desk.memory.snapshot()
    assert desk.sweep("hold_release").posted == 0
    assert desk.memory.snapshot() == before
