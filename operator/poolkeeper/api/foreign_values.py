"""The values in what a Pod reports: bounded, typed and safe for a terminal before any decision uses them.

A person who controls a router's or a prober's Pod can send anything. A number beyond its bounds, a time without a zone
or in no plausible year is refused, and with it the whole answer. Text is kept, without what a terminal would obey.
"""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

NAME_LENGTH = 253
LINE_LENGTH = 1024
_FIRST, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]+"
)
"""Control characters, breaks of lines, marks that turn the direction of writing, and what has no width."""


def printable(text: str) -> str:
    """On one line, and nothing in it that a terminal or a log would obey."""
    return _OBEYED.sub(" ", text)


def _name(text: str) -> str:
    return printable(text)[:NAME_LENGTH]


def _line(text: str) -> str:
    return printable(text)[:LINE_LENGTH]


def _plausible(at: datetime) -> datetime:
    if not _FIRST <= at < _END:
        raise ValueError("not a time of this age")
    return at.astimezone(UTC)


Name = Annotated[str, AfterValidator(_name)]
Line = Annotated[str, AfterValidator(_line)]
Instant = Annotated[AwareDatetime, AfterValidator(_plausible)]
Tier = Annotated[int, Field(ge=0, le=9)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Figure = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
"""A latency, a weight, a percentage."""
