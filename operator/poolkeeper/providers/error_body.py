"""What the body of a refusal says: its code, its type and its message, wherever the provider puts them.

A scan, and no parser: bodies come cut, in no known shape, or as plain text, and both languages must read the same from
the same bytes (router/lua/core/error/body.lua is this function again). It steps over strings and reads only what
stands at the places below: a refusal may quote what the caller sent, also as JSON, and no caller may give himself a
code.
"""

import re
from dataclasses import dataclass

_START = re.compile(rb"[ \t\r\n]*+\[?[ \t\r\n]*+\{")
_NEXT = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_VALUE = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_SCALAR = re.compile(rb"[A-Za-z0-9_.+-]*")
_BLANK = b" \t\r\n"
_PROCESS = re.compile(rb"\[address=[^\"]*?, pid=[0-9]+\] ?")
"""Xinference names the process that failed in front of its words."""
_NOT_OWN = re.compile(rb"[\"`:\\]|(?<![a-z])'")
_OWN_MAX_BYTES = 400

_ROOT, _LIST, _BRACE = b"", b"[", ord("{")
_INSIDE = {
    b"error": b"error.", b"error.metadata": b"error.metadata.", b"base_resp": b"base_resp.",
    b"errors": b"error.", b"detail": b"error.", b"error.error": b"error.", b"fault": b"error.",
}  # fmt: skip
"""The objects that are looked into, also the first of a list, and what the names of their members start with."""
_MESSAGES = (
    b"error.message", b"error", b"message", b"detail", b"error_message", b"error_msg", b"msg", b"base_resp.status_msg",
    b"error.error", b"error.msg", b"error.detail", b"error.faultstring", b"title",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """All in lower case; empty where the body says nothing of the kind."""

    code: bytes = b""
    type: bytes = b""
    message: bytes = b""

    @property
    def own(self) -> bytes:
        """The provider's words: the message up to a quotation mark or a colon, behind which it may quote anybody."""
        quoted = _NOT_OWN.search(self.message, 0, _OWN_MAX_BYTES)
        return self.message[: quoted.start() if quoted else _OWN_MAX_BYTES]


def words_of(text: bytes) -> Words:
    """text: a body in lower case. Plain text, and a string as JSON, is a message as a whole."""
    start = _START.match(text)
    if not start:
        return Words(message=text.lstrip(_BLANK + b'"'))
    said = _members(text, start.end())

    def first(*names: bytes) -> bytes:
        return next((said[name] for name in names if name in said), b"")

    return Words(
        code=first(b"error.code", b"code", b"error_code", b"base_resp.status_code"),
        type=first(b"error.metadata.error_type", b"error.type", b"type", b"error_type"),
        message=_without_process(first(*_MESSAGES)),
    )


def _without_process(message: bytes) -> bytes:
    process = _PROCESS.match(message)
    return message[process.end() :] if process else message


def _members(text: bytes, pos: int) -> dict[bytes, bytes]:
    """The members with a plain value of the objects that are looked into; the first of a name counts."""
    said: dict[bytes, bytes] = {}
    inside: list[bytes | None] = [_ROOT]
    while inside and (found := _NEXT.search(text, pos)):
        at, pos = found.start(), found.end()
        if text[at] in b"{[":
            inside.append(_first_item(inside) if text[at] == _BRACE else None)
        elif text[at] in b"}]":
            inside.pop()
        else:
            end = _string_end(text, pos)
            if end is None:
                break
            name, pos = text[pos:end], end + 1
            value = _VALUE.match(text, pos)
            if value:
                pos = _take(text, value.end(), name, said, inside)
    return said


def _first_item(inside: list[bytes | None]) -> bytes | None:
    """What the names of an object's members start with that stands in a list; only the first item is looked into."""
    around = inside[-1]
    if around is None or not around.startswith(_LIST):
        return None
    inside[-1] = None
    return around[1:]


def _take(text: bytes, pos: int, name: bytes, said: dict[bytes, bytes], inside: list[bytes | None]) -> int:
    """Reads the value at pos of the member `name`; gives the position behind it, or behind its opening bracket."""
    prefix = inside[-1]
    opening = text[pos : pos + 1]
    if opening in (b"{", b"["):
        within = _INSIDE.get(prefix + name) if prefix is not None else None
        inside.append(_LIST + within if within and opening == _LIST else within)
        return pos + 1
    if opening == b'"':
        end = _string_end(text, pos + 1)
        value, after = (text[pos + 1 :], len(text)) if end is None else (text[pos + 1 : end], end + 1)
    else:
        found = _SCALAR.match(text, pos)
        value = found.group() if found else b""
        after = pos + len(value)
    if prefix is not None and value not in (b"", b"null"):
        said.setdefault(prefix + name, value)
    return after


def _string_end(text: bytes, pos: int) -> int | None:
    """pos: behind the opening quote; gives the position of the closing one."""
    while found := _IN_STRING.search(text, pos):
        if found.group() == b'"':
            return found.start()
        pos = found.end() + 1
    return None
