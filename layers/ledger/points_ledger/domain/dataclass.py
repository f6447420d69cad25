"""Dataclasses that cost next to nothing to declare: `dataclass` with what this code uses of it.

The standard library writes and compiles up to six methods for each class while its module is being
imported: about a millisecond a class, and a cold start imports hundreds (docs/decisions/0028). Here
a class compares, shows and guards itself by small functions, and `__init__`, the only method worth
compiling, is compiled when the first instance is made. A frozen instance is also made in less than
half the time, since each field is set through its own slot.

`replace` copies such instances in a fraction of the time of the standard library's, by a function
that is compiled for the class in the same way.

What comes out is a dataclass to everybody else: `fields`, `replace` and `is_dataclass` of the
standard library work on it, and type checkers read it as one. They alone find at once what the
standard library refuses when the class is made (a field without a default after one that has one, a
class that thaws a frozen one); here it shows when the first instance is made.
"""

import dataclasses
import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "replace"]

Method = Callable[..., Any]

_ORDER: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "__lt__": operator.lt,
        "__le__": operator.le,
        "__gt__": operator.gt,
        "__ge__": operator.ge,
    }
)

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def dataclass(
        plain: type | None = None,
        /,
        *,
        frozen: bool = False,
        slots: bool = False,
        kw_only: bool = False,
        order: bool = False,
        eq: bool = True,
    ) -> Method | type:
        """Make a class a dataclass; the flags are those of the standard library."""

        def make(plain: type) -> type:
            if plain.__doc__ is None:
                plain.__doc__ = ""  # else the standard library works out the signature
            fielded = dataclasses.dataclass(
                init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
            )
            made = fielded(plain)
            methods = {"__init__": _first_init(made, frozen=frozen), "__repr__": _showing(made)}
            methods["_replaced"] = _first_replaced(made, frozen=frozen)
            methods |= _guards(made) if frozen else {}
            methods |= _comparisons(made, frozen=frozen, order=order) if eq else {}
            for name, method in methods.items():
                if name not in plain.__dict__:
                    setattr(made, name, method)
            return made

        return make if plain is None else make(plain)

    def replace(instance: object, /, **changes: object) -> object:
        """A copy with other values in some fields; instances of this module's classes only."""
        return instance._replaced(**changes)  # noqa: SLF001 - made below


# --- Making an instance ---------------------------------------------------------------------


def _first_init(made: type, *, frozen: bool) -> Method:
    """An `__init__` that puts the compiled one in its own place."""

    def initialise(self: object, *values: object, **named: object) -> None:
        compiled = _compiled(made, frozen=frozen)
        type.__setattr__(made, "__init__", compiled)
        compiled(self, *values, **named)

    return initialise


def _compiled(made: type, *, frozen: bool) -> Method:
    """`__init__` as somebody would write it: every name comes from the source of the class."""
    names: dict[str, object] = {"_missing": dataclasses.MISSING}
    parameters: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for each in dataclasses.fields(made):
        name, value, default = each.name, each.name, ""
        if each.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = each.default
            default = f"=_default_{name}"
        elif each.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = each.default_factory
            default, value = "=_missing", f"_make_{name}() if {name} is _missing else {name}"
        (named if each.kw_only else parameters).append(f"{name}{default}")
        if frozen:
            names[f"_set_{name}"] = _setter(made, name)
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    everything = ", ".join(["self", *parameters, *(["*", *named] if named else [])])
    source = [f"def __init__({everything}):", *(f"    {line}" for line in body or ["pass"])]
    exec("\n".join(source), names)  # noqa: S102 - as the standard library does
    compiled: Method = names["__init__"]  # type: ignore[assignment]  # defined by the source
    return compiled


def _first_replaced(made: type, *, frozen: bool) -> Method:
    """A `_replaced` that puts the compiled one in its own place."""

    def replaced(self: object, **changes: object) -> object:
        compiled = _compiled_replaced(made, frozen=frozen)
        type.__setattr__(made, "_replaced", compiled)
        return compiled(self, **changes)

    return replaced


def _compiled_replaced(made: type, *, frozen: bool) -> Method:
    """What makes a copy with some fields changed: every other field is read from the instance."""
    names: dict[str, object] = {"_missing": dataclasses.MISSING}
    parameters: list[str] = []
    body = ["made = self.__class__.__new__(self.__class__)"]
    for each in dataclasses.fields(made):
        name = each.name
        value = f"self.{name} if {name} is _missing else {name}"
        parameters.append(f"{name}=_missing")
        if frozen:
            names[f"_set_{name}"] = _setter(made, name)
            body.append(f"_set_{name}(made, {value})")
        else:
            body.append(f"made.{name} = {value}")
    if hasattr(made, "__post_init__"):
        body.append("made.__post_init__()")
    everything = ", ".join(["self", *(["*", *parameters] if parameters else [])])
    source = [f"def _replaced({everything}):", *(f"    {line}" for line in [*body, "return made"])]
    exec("\n".join(source), names)  # noqa: S102 - as the standard library does
    compiled: Method = names["_replaced"]  # type: ignore[assignment]  # defined by the source
    return compiled


def _setter(made: type, name: str) -> Method:
    """What sets a field of a frozen instance: its slot, or object's own way where it has none."""
    slot: Any = getattr(made, name, None)
    if hasattr(slot, "__set__"):
        setter: Method = slot.__set__
        return setter
    return lambda self, value: object.__setattr__(self, name, value)


# --- What instances do ----------------------------------------------------------------------


def _showing(made: type) -> Method:
    names = [each.name for each in dataclasses.fields(made) if each.repr]

    def shown(self: object) -> str:
        values = (f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({', '.join(values)})"

    return shown


def _comparisons(made: type, *, frozen: bool, order: bool) -> dict[str, Method | None]:
    names = [each.name for each in dataclasses.fields(made) if each.compare]
    values: Method = operator.attrgetter(*names) if names else lambda _: ()
    methods: dict[str, Method | None] = {"__eq__": _comparing(operator.eq, values)}
    methods["__hash__"] = _hashing(values) if frozen else None
    if order:
        methods |= {name: _comparing(compare, values) for name, compare in _ORDER.items()}
    return methods


def _comparing(compare: Method, values: Method) -> Method:
    def compared(self: object, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]  # what Python asks for
        holds: bool = compare(values(self), values(other))
        return holds

    return compared


def _hashing(values: Method) -> Method:
    def hashed(self: object) -> int:
        return hash(values(self))

    return hashed


def _guards(made: type) -> dict[str, Method]:
    """What keeps an instance as it is, and what copies it in spite of that."""
    names = [each.name for each in dataclasses.fields(made)]

    def state(self: object) -> list[object]:
        return [getattr(self, name) for name in names]

    def restore(self: object, values: Sequence[object]) -> None:
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__getstate__": state,
        "__setstate__": restore,
    }


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
