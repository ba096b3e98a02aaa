"""One endpoint explained to a person on call: its state, the last probe phase by phase, its breaker, what to do."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolkeeper.api.reasons import runbook
from poolkeeper.diagnostics import probe_timeline
from poolkeeper.diagnostics.advice import advice, comes_back, page_of
from poolkeeper.diagnostics.endpoint_facts import Change, Facts, RouterView
from poolkeeper.diagnostics.status_table import BREAKER_WORDS, age
from poolkeeper.probing.reason_effects import reason_named

CHANGES_SHOWN = 8
LABEL_WIDTH = 12
VERDICT_STYLES = {"Healthy": "green", "Grey": "yellow", "Unhealthy": "red", "Unknown": "yellow"}


def page(facts: Facts, now: datetime) -> RenderableType:
    parts: list[RenderableType] = [
        *_state(facts, now),
        Text(),
        *_probe(facts, now),
        Text(),
        *_breaker(facts, now),
        Text(),
    ]
    return Group(*parts, *_to_do(facts, now), *(_line("note", note, "dim") for note in facts.notes))


def _state(facts: Facts, now: datetime) -> Iterator[Text]:
    one = facts.endpoint
    yield Text(f"{facts.pool} / {one.name} (tier {one.tier})", "bold")
    why = f", {one.reason}" if one.reason else ""
    told = f"{one.health}, breaker {BREAKER_WORDS[one.breaker]}{why}, for {age(one.last_transition_time, now)}"
    yield _line("state", told, VERDICT_STYLES[one.health] if one.breaker == "Closed" else "red")


def _probe(facts: Facts, now: datetime) -> Iterator[RenderableType]:
    if facts.probed is None and facts.last is None:
        yield _line("probes", "no probe result yet (spec.probe; poolkeeper probe --now)", "dim")
        return
    if facts.probed:
        yield _line("probe", _verdict(facts, now), VERDICT_STYLES[facts.probed.verdict])
        runs = ", ".join(f"{run.reason} ({run.bad}/{run.asked})" if run.reason else "good" for run in facts.probed.runs)
        yield _line("runs", f"{runs} (newest first)" if runs else "none yet")
    if facts.last is None or facts.last.phases is None or facts.last_at is None:
        yield _line("last run", "its phases are no longer stored; run poolkeeper probe --now")
        return
    found = facts.last.why or ("good" if facts.last.asked else "no request sent")
    yield _line("last run", f"{found}, {age(facts.last_at, now)} ago")
    yield _timeline(probe_timeline.phases_of(facts.last.phases))


def _verdict(facts: Facts, now: datetime) -> str:
    if facts.probed is None:
        return ""
    reason = reason_named(facts.probed.reason)
    meaning = f", {reason.value}: {reason.meaning}" if reason else ""
    return f"{facts.probed.verdict} for {age(facts.probed.since, now)}{meaning}"


def _timeline(phases: tuple[probe_timeline.Phase, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify, no_wrap=True)
    whole = probe_timeline.total_ms(phases)
    for phase in phases:
        took = "never" if phase.took_ms is None else f"{phase.took_ms} ms"
        style = "red" if phase.took_ms is None else "cyan"
        table.add_row(f"  {phase.name}", took, Text(probe_timeline.bar(phase, whole), style), Text(phase.note, "dim"))
    return table


def _breaker(facts: Facts, now: datetime) -> Iterator[Text]:
    for view in facts.routers:
        yield _line("router", _router(view, now))
    shown = facts.changes[-CHANGES_SHOWN:]
    for number, change in enumerate(shown):
        yield _line("" if number else "changes", _change(change, now))
    if facts.routers and not shown:
        yield _line("changes", "none since the routers started")


def _router(view: RouterView, now: datetime) -> str:
    one = view.state
    why = one.reason if one.reason != one.health else ""
    parts = [one.health, f"breaker {BREAKER_WORDS[one.breaker]}", why, f"weight {one.weight:g}"]
    parts.append(f"{one.in_flight}/{one.max_connections} in flight")
    parts.append(f"{one.error_rate_percent:g} % errors")
    if one.last_error and one.last_error.class_ and one.last_error.at:
        parts.append(f"last error {one.last_error.class_} {age(one.last_error.at, now)} ago")
    parts += [f"{m.name}: {BREAKER_WORDS[m.breaker]} ({m.reason})" for m in one.models if m.breaker != "Closed"]
    return f"{view.router}: {', '.join(part for part in parts if part)}"


def _change(change: Change, now: datetime) -> str:
    what = change.what
    when = f"{age(what.at, now)} ago" if what.at else "?"
    return f"{when}: {what.model or 'all models'}: {what.from_} -> {what.to} ({what.reason or '-'}), {change.router}"


def _to_do(facts: Facts, now: datetime) -> Iterator[Text]:
    words = facts.reasons or ((facts.unbelieved,) if facts.unbelieved else ())
    if not words:
        yield _line("do", "nothing: no problem is known", "green")
        return
    if facts.unbelieved:
        told = f"only the last run found {facts.unbelieved}; it has no effect until another run finds it, too"
        yield _line("not yet", told)
    yield from (_line("recovers", what) for what in comes_back(facts, now))
    yield from (_line("do", advice(word, facts), "bold") for word in words)
    pages = [runbook(page_of(word)) for word in words] + [
        runbook("BreakerOpen") if facts.endpoint.breaker != "Closed" else ""
    ]
    yield from (_line("runbook", found) for found in dict.fromkeys(pages) if found)


def _line(label: str, told: str, style: str = "") -> Text:
    return Text.assemble((label.ljust(LABEL_WIDTH), "dim"), (told, style))
