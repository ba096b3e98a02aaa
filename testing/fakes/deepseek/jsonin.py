"""Values of unknown shape to typed values; an error names the path, what was seen and what was wanted."""

import json


class ShapeError(ValueError):
    """A document does not have the requested shape; the message is for its author."""


def load(data: bytes | str) -> object:
    try:
        value: object = json.loads(data)
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError
        raise ShapeError(f"not JSON: {error}") from error
    return value


def obj(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ShapeError(f"{where}: {_name(value)}, wanted an object")
    return value


def array(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise ShapeError(f"{where}: {_name(value)}, wanted an array")
    return value


def string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ShapeError(f"{where}: {_name(value)}, wanted a string")
    return value


def strings(value: object, where: str) -> tuple[str, ...]:
    return tuple(string(item, f"{where}[{index}]") for index, item in enumerate(array(value, where)))


def boolean(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ShapeError(f"{where}: {_name(value)}, wanted true or false")
    return value


def number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ShapeError(f"{where}: {_name(value)}, wanted a number")
    return value


def integer(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ShapeError(f"{where}: {_name(value)}, wanted an integer")
    return value


def known_keys(value: dict[str, object], known: tuple[str, ...], where: str) -> None:
    for key in value:
        if key not in known:
            raise ShapeError(f"{where}: unknown {key!r}, known: {', '.join(sorted(known))}")


def _name(value: object) -> str:
    return "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"


def scalar(text: str) -> object:
    """`3`, `true` and `null` as JSON has them, anything else as the string it is."""
    try:
        return load(text)
    except ShapeError:
        return text
