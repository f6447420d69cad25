"""How large an item is by DynamoDB's own counting, which decides what it costs.

The rules are those of the developer guide, "DynamoDB item sizes and formats": names and texts
count their UTF-8 bytes, binary its length, a number a byte for every two digits and one more.
"""

from collections.abc import Mapping
from typing import Any, Final

WRITE_UNIT_BYTES: Final = 1_024
READ_UNIT_BYTES: Final = 4_096


def size_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item of texts, numbers and binaries, which is all that the table has."""
    size = 0
    for name, value in item.items():
        [(kind, content)] = value.items()
        size += len(name)
        match kind:
            case "S":
                size += len(content) if content.isascii() else len(content.encode())
            case "B":
                size += len(content)
            case "N":
                size += _number_bytes(content)
            case _:
                raise ValueError(f"an attribute of type {kind}")
    return size


def _number_bytes(text: str) -> int:
    """A number without leading and trailing zeros; the sign counts."""
    digits = text.lstrip("-").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
