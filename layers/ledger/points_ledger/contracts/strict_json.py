"""What JSON allows and two readers would read differently, refused (RFC 8259, section 4 and 6).

Hooks for `json.loads`; standard library only, as the verifier needs them too.
"""

from typing import NoReturn


def unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object (`object_pairs_hook`).

    Raises:
        ValueError: of a name that is there twice, another reader may see the other value.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has the same name twice")
    return members


def refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities (`parse_constant`).

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is not a number")
