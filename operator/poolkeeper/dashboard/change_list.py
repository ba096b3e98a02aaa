"""What changed at a pool in the last hour, the newest first: breakers, API keys, the spec, roll-outs, Events. Pure.

The same change of one endpoint at several routers and for several models within a moment is one line. A breaker that
only tries, and opens again, has not changed: an outage of an hour would fill the list, and hide what began it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poolkeeper.api.pool_change import ChangeKind
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.past import KEPT, Past
from poolkeeper.dashboard.view_model import ChangeDoc
from poolkeeper.diagnostics.change_words import change_text

MOST = 60
"""Of breakers and Events; as many again of what people and roll-outs did, so that the one never hides the other."""
OFTEN: Collection[ChangeKind] = ("Breaker", "Event")
TOGETHER = timedelta(seconds=10)


@dataclass
class _Line:
    """at: of the first of those that it stands for. reporters: routers and models, each once."""

    at: datetime
    kind: ChangeKind
    about: str
    message: str
    is_warning: bool = False
    models: dict[str, None] = field(default_factory=dict)
    reporters: set[tuple[str, str]] = field(default_factory=set)
    by: dict[str, None] = field(default_factory=dict)


def change_docs(past: Past, facts: PoolFacts, now: datetime) -> tuple[ChangeDoc, ...]:
    lines = [*_of_routers(past), *_of_others(past, facts, now)]
    often = _newest(line for line in lines if line.kind in OFTEN)[:MOST]
    seldom = _newest(line for line in lines if line.kind not in OFTEN)[:MOST]
    return tuple(
        ChangeDoc(
            at=line.at,
            kind=line.kind,
            endpoint=line.about,
            models=tuple(line.models),
            message=line.message,
            by=tuple(line.by),
            is_warning=line.is_warning,
        )
        for line in _newest([*often, *seldom])
    )


def _newest(lines: Iterable[_Line]) -> list[_Line]:
    return sorted(lines, key=lambda line: (line.at, line.message), reverse=True)


def _of_routers(past: Past) -> Iterator[_Line]:
    open_lines: dict[tuple[str, str], _Line] = {}
    for one in past.noted:
        if one.what.to == "HalfOpen" or (one.what.from_, one.what.to) == ("HalfOpen", "Open"):
            continue
        message = change_text(one.what)
        line = open_lines.get((one.what.endpoint, message))
        if line is None or one.at - line.at > TOGETHER or (one.router, one.what.model) in line.reporters:
            line = _Line(one.at, "Breaker", one.what.endpoint, message)
            open_lines[one.what.endpoint, message] = line
            yield line
        line.reporters.add((one.router, one.what.model))
        line.by.setdefault(one.router)
        if one.what.model:
            line.models.setdefault(one.what.model)


def _of_others(past: Past, facts: PoolFacts, now: datetime) -> Iterator[_Line]:
    """The same message by several (a key at each router) within a moment is one line, too."""
    events = (one for one in facts.changed if one.kind == "Event" and one.at >= now - KEPT)
    last: dict[str, _Line] = {}
    for one in sorted((*past.others, *events), key=lambda one: one.at):
        line = last.get(one.message)
        if line is None or one.at - line.at > TOGETHER:
            line = last[one.message] = _Line(one.at, one.kind, "", one.message, one.is_warning)
            yield line
        if one.by:
            line.by.setdefault(one.by)
