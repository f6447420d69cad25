"""The project's dataclasses behave as those of the standard library."""

import ast
import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

import points_ledger
from points_ledger.domain.dataclass import dataclass, replace

PACKAGE = Path(points_ledger.__file__).parent
DECORATORS = pytest.mark.parametrize("decorator", [dataclass, dataclasses.dataclass])


def lot_class(decorator: Callable[..., Any]) -> type[Any]:
    """A class as this project writes them, made by one decorator or the other."""

    @decorator(frozen=True, slots=True, kw_only=True)
    class Lot:
        """Some points."""

        unit: ClassVar[str] = "points"
        points: int
        last_day: str = "never"
        used: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
        note: str | None = dataclasses.field(default=None, repr=False)

        def __post_init__(self) -> None:
            if self.points < 0:
                raise ValueError("less than none")

        @property
        def doubled(self) -> int:
            return 2 * self.points

    return Lot


def pair_class(decorator: Callable[..., Any]) -> type[Any]:
    """An ordered class whose fields may be given by place."""

    @decorator(frozen=True, slots=True, order=True)
    class Pair:
        first: int
        second: str = ""

    return Pair


@DECORATORS
def test_values_are_taken_and_shown(decorator: Callable[..., Any]) -> None:
    lot = lot_class(decorator)(points=5, note="quiet")

    assert (lot.points, lot.last_day, lot.used, lot.note) == (5, "never", {}, "quiet")
    assert lot.doubled == 10
    assert repr(lot).endswith("Lot(points=5, last_day='never', used={})")
    assert lot_class(decorator).unit == "points"


@DECORATORS
def test_each_instance_has_its_own_default(decorator: Callable[..., Any]) -> None:
    lot = lot_class(decorator)

    assert lot(points=1).used is not lot(points=1).used


@DECORATORS
def test_what_a_class_checks_is_checked(decorator: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="less than none"):
        lot_class(decorator)(points=-1)


@DECORATORS
@pytest.mark.parametrize("values", [{}, {"points": 1, "colour": "red"}])
def test_missing_and_unknown_values_are_refused(
    decorator: Callable[..., Any], values: dict[str, object]
) -> None:
    lot = lot_class(decorator)

    for _ in range(2):  # the first instance is made another way than the next
        with pytest.raises(TypeError):
            lot(**values)


@DECORATORS
def test_values_by_place_are_refused_where_names_are_asked_for(
    decorator: Callable[..., Any],
) -> None:
    with pytest.raises(TypeError):
        lot_class(decorator)(1)


@DECORATORS
def test_nothing_can_be_set_deleted_or_added(decorator: Callable[..., Any]) -> None:
    lot = lot_class(decorator)(points=5)

    with pytest.raises(dataclasses.FrozenInstanceError):
        lot.points = 6
    with pytest.raises(dataclasses.FrozenInstanceError):
        del lot.points
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        lot.colour = "red"
    assert not hasattr(lot, "__dict__")


@DECORATORS
def test_equal_values_are_equal_and_hash_alike(decorator: Callable[..., Any]) -> None:
    lot = lot_class(decorator)

    assert lot(points=1, used={"a": 1}) == lot(points=1)
    assert lot(points=1) != lot(points=2)
    assert lot(points=1) != lot_class(decorator)(points=1)
    assert len({lot(points=1), lot(points=1), lot(points=2)}) == 2


@DECORATORS
def test_order_is_by_the_fields(decorator: Callable[..., Any]) -> None:
    pair = pair_class(decorator)

    assert pair(1, "b") < pair(2, "a")
    assert pair(1, "b") >= pair(1, "b") > pair(1, "a")
    assert sorted([pair(2), pair(1, "x"), pair(1)]) == [pair(1), pair(1, "x"), pair(2)]
    with pytest.raises(TypeError):
        assert pair(1) < (1, "")


@DECORATORS
def test_the_standard_library_works_on_it(decorator: Callable[..., Any]) -> None:
    lot = lot_class(decorator)(points=5)

    assert dataclasses.is_dataclass(type(lot))
    assert [field.name for field in dataclasses.fields(lot)] == [
        "points",
        "last_day",
        "used",
        "note",
    ]
    assert dataclasses.replace(lot, points=6) == type(lot)(points=6)
    assert dataclasses.asdict(lot)["points"] == 5
    assert copy.deepcopy(lot) == lot
    assert copy.copy(lot) == lot


COPIERS = pytest.mark.parametrize("copied_with", [replace, dataclasses.replace])


@COPIERS
def test_a_copy_has_what_was_not_replaced(copied_with: Callable[..., Any]) -> None:
    lot = lot_class(dataclass)(points=5, used={"a": 1}, note="quiet")

    for _ in range(2):
        other = copied_with(lot, points=6, last_day="tomorrow")
        assert (other.points, other.last_day, other.note) == (6, "tomorrow", "quiet")
        assert (type(other), other.used is lot.used) == (type(lot), True)
    assert lot.points == 5
    pair = pair_class(dataclass)
    assert copied_with(pair(1, "a"), second="b") == pair(1, "b")


@COPIERS
def test_a_copy_is_checked_as_an_instance_is(copied_with: Callable[..., Any]) -> None:
    lot = lot_class(dataclass)(points=5)

    with pytest.raises(ValueError, match="less than none"):
        copied_with(lot, points=-1)
    with pytest.raises(TypeError):
        copied_with(lot, unknown=1)


@COPIERS
def test_a_copy_of_a_derived_or_changing_instance_is_of_its_class(
    copied_with: Callable[..., Any],
) -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        first: int

    @dataclass(frozen=True, slots=True)
    class Derived(Base):
        second: int = 2

    @dataclass(slots=True)
    class Changing:
        first: int

    assert copied_with(Base(1), first=3) == Base(3)
    assert copied_with(Derived(1), first=3) == Derived(3, 2)
    changed = copied_with(Changing(1), first=4)
    changed.first += 1
    assert changed == Changing(5)


@DECORATORS
def test_fields_are_inherited(decorator: Callable[..., Any]) -> None:
    class PlainBase:
        first: int

    base: type[Any] = decorator(frozen=True, slots=True, kw_only=True)(PlainBase)

    class PlainDerived(base):  # type: ignore[misc]  # made at run time
        second: int = 2

    derived: type[Any] = decorator(frozen=True, slots=True, kw_only=True)(PlainDerived)

    assert base(first=1).first == 1
    assert dataclasses.astuple(derived(first=1)) == (1, 2)
    assert derived(first=1) != base(first=1)


@DECORATORS
def test_an_error_carries_its_fields(decorator: Callable[..., Any]) -> None:
    @decorator
    class MissingError(Exception):
        what: str

    @decorator(eq=False)
    class OtherError(Exception):
        what: str

    with pytest.raises(MissingError) as caught:
        raise MissingError("points")

    assert caught.value.what == "points"
    assert caught.value.args == ("points",)
    assert caught.value == MissingError("points")
    assert OtherError("points") != OtherError("points")
    assert hash(OtherError("points"))


@DECORATORS
def test_what_may_change_changes_and_has_no_hash(decorator: Callable[..., Any]) -> None:
    class Plain:
        points: int = 0

    sum_class: type[Any] = decorator(slots=True)(Plain)
    total = sum_class()
    total.points += 3

    assert total == sum_class(3)
    with pytest.raises(TypeError):
        hash(total)


def test_frozen_without_slots() -> None:
    @dataclass(frozen=True)
    class File:
        name: str

    file = File("index.html")

    assert file.name == "index.html"
    with pytest.raises(dataclasses.FrozenInstanceError):
        file.name = "other"  # type: ignore[misc]  # what is tested


def test_what_functions_import_is_made_this_way() -> None:
    """Each class made by the standard library costs every cold start a millisecond."""
    theirs = [
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if path.name != "dataclass.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if any(alias.name == "dataclass" for alias in node.names)
    ]

    assert theirs == []
