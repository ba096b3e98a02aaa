"""Reading the JSON of other people's objects: a path that is missing or of another type is simply not there."""

from collections.abc import Iterator, Mapping

Json = dict[str, object]
MOST_DIGITS = 20
"""Of a number of 64 bits."""


def find(tree: object, *path: str) -> object | None:
    """The value at the end of the path, or None."""
    for step in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(step)
    return tree


def text(tree: object, *path: str) -> str:
    value = find(tree, *path)
    return value if isinstance(value, str) else ""


def number(tree: object, *path: str) -> int:
    value = find(tree, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def count(tree: object, *path: str) -> int:
    """A number that things can have: of 64 bits, and not negative."""
    value = number(tree, *path)
    return value if 0 <= value < 1 << 63 else 0


def natural(digits: str) -> int | None:
    """A number that is written in digits, as versions are; None for any other, and for one that no counter reaches."""
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def mapping(tree: object, *path: str) -> Mapping[str, object]:
    value = find(tree, *path)
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def texts(tree: object, *path: str) -> dict[str, str]:
    """A string map (labels, annotations), without whatever in it is not a string."""
    return {key: item for key, item in mapping(tree, *path).items() if isinstance(item, str)}


def rows(tree: object, *path: str) -> Iterator[Mapping[str, object]]:
    """The objects of a list."""
    value = find(tree, *path)
    if isinstance(value, list | tuple):
        yield from (row for row in value if isinstance(row, Mapping))
