"""Server-sent events, as bytes arrive: where one ends, and what it carries. As the routers' core/answer/sse.lua.

Lines end in LF, CRLF or CR, an event ends at an empty line, several lines of data are joined by LF, and a byte order
mark may come first (WHATWG HTML, 9.2.6). Why no library: docs/adr/0013-written-by-hand.md.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FIELDS = (b"data:", b"event:", b"id:", b"retry:")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_UNNAMED = re.compile(rb"(error: ?)?(\{.*\})\n*|()(\[DONE\])\n*", re.DOTALL)
"""An event whose data lost the name of its field, or has one that is no field. As core/answer/sse.lua's unnamed()."""
_BOM = b"\xef\xbb\xbf"


def is_stream(start: bytes, content_type: str) -> bool | None:
    """Is an answer a stream of events, or one whole? As the routers' core/answer/form.lua: by its first bytes that are
    no blanks, because Content-Type is missing or wrong often enough. None: more bytes are needed."""
    if start.startswith((b":", *_FIELDS)):
        return True
    if any(opening.startswith(start) for opening in (*_FIELDS, _BOM)):
        return None
    return not start.startswith((b"{", b"[")) and "text/event-stream" in content_type.lower()


def without_opening(start: bytes) -> bytes:
    """Without a byte order mark and blanks in front."""
    return start.removeprefix(_BOM).lstrip()


class Event(NamedTuple):
    name: str
    data: str


class EventReader:
    """feed() gives the events that are whole by now and carry data; one that is never ended is never given."""

    def __init__(self) -> None:
        self._opening: bytes | None = b""
        """What may still turn out to be a byte order mark."""
        self._line: list[bytes] = []
        self._after_cr = False
        """The last line ended in CR: an LF now belongs to it."""
        self._name = ""
        self._data: list[str] = []
        self._lines: list[bytes] = []
        """Of an event without data so far."""

    def feed(self, received: bytes) -> Iterator[Event]:
        if self._opening is not None:
            received = self._opening + received
            if len(received) < len(_BOM) and _BOM.startswith(received):
                self._opening = received
                return
            self._opening, received = None, received.removeprefix(_BOM)
        if received and self._after_cr:
            self._after_cr = False
            received = received.removeprefix(b"\n")
        if received:
            self._after_cr = received.endswith(b"\r")
        *ended, rest = _LINE_END.split(received)
        for line in ended:
            yield from self._take(b"".join((*self._line, line)))
            self._line = []
        self._line.append(rest)

    def _take(self, line: bytes) -> Iterator[Event]:
        if not line:
            unnamed = None if self._data else _UNNAMED.fullmatch(b"\n".join(self._lines))
            if self._data:
                yield Event(self._name, "\n".join(self._data))
            elif unnamed:
                text = (unnamed[2] or unnamed[4]).decode("utf-8", "replace")
                yield Event("error" if unnamed[1] else "", text)
            self._name, self._data, self._lines = "", [], []
            return
        if not self._data:
            self._lines.append(line)
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"data":
            self._data.append(text)
        elif field == b"event":
            self._name = text
