"""Program versions as the commands see them."""

from dataclasses import replace

from points_ledger.service.ports import Create, ProgramVersion
from points_ledger.service.programs import MAX_VERSIONS_KEPT, Programs
from tests.builders import START, program
from tests.service.desk import Desk


def test_versions_are_read_once_and_the_memory_of_them_is_bounded() -> None:
    desk = Desk(program())
    numbers = range(2, MAX_VERSIONS_KEPT + 3)
    for number in numbers:
        rules = replace(program(), version=number)
        version = ProgramVersion(program=rules, document="{}", published_at=START)
        desk.memory.commit([Create(item=version)])
    programs = Programs(desk.store, desk.clock)

    def reads(number: int) -> int:
        before = len(desk.store.requests)
        assert programs.version(number).version == number
        return len(desk.store.requests) - before

    assert [reads(number) for number in numbers] == [1] * len(numbers)
    newest = numbers[-MAX_VERSIONS_KEPT:]
    assert [reads(number) for number in newest] == [0] * MAX_VERSIONS_KEPT
    assert reads(numbers[0]) == 1
