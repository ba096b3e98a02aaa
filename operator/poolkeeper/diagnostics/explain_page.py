"""One endpoint explained to a person on call: its state, the last probe phase by phase, its breaker, what to do."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolkeeper.api.reasons import runbook
from poolkeeper.api.router_reasons import word
from poolkeeper.diagnostics import probe_timeline
from poolkeeper.diagnostics.advice import advice, cause, comes_back, seen
from poolkeeper.diagnostics.change_words import change_text
from poolkeeper.diagnostics.counts import Counts, quantile_ms
from poolkeeper.diagnostics.endpoint_facts import Change, Facts, RouterView
from poolkeeper.diagnostics.status_table import BREAKER_WORDS, age
from poolkeeper.probing.reason_effects import reason_named
from poolkeeper.status.fault_words import page_of

CHANGES_SHOWN = 8
LABEL_WIDTH = 12
HEALTH_STYLES = {"Healthy": "green", "Grey": "yellow", "Unhealthy": "red", "Unknown": "yellow"}


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
    if facts.headline:
        yield _line("pool", facts.headline)
    why = f", {one.reason}" if one.reason else ""
    message = f"{one.health}, breaker {BREAKER_WORDS[one.breaker]}{why}, for {age(one.last_transition_time, now)}"
    yield _line("state", message, HEALTH_STYLES[one.health] if one.breaker == "Closed" else "red")
    if one.outage_since:
        yield _line("outage", _outage(one.outage_since, one.recovering_since, now), "red")


def _outage(since: datetime, recovering: datetime | None, now: datetime) -> str:
    began = f"for {age(since, now)}, since {since:%Y-%m-%dT%H:%M:%SZ}"
    return f"{began}; it serves again for {age(recovering, now)}" if recovering else began


def _probe(facts: Facts, now: datetime) -> Iterator[RenderableType]:
    if facts.probed is None and facts.last is None:
        yield _line("probes", "none: set spec.probe of the pool to have some", "dim")
        return
    if facts.probed:
        yield _line("probe", _probe_status(facts, now), HEALTH_STYLES[facts.probed.verdict])
        runs = ", ".join(f"{run.reason} ({run.bad}/{run.asked})" if run.reason else "good" for run in facts.probed.runs)
        yield _line("runs", f"{runs} (newest first)" if runs else "none yet")
    if facts.last is None or facts.last.phases is None or facts.last_at is None:
        yield _line("last run", "its phases are no longer stored; run poolkeeper probe --now")
        return
    found = facts.last.why or ("good" if facts.last.asked else "no request sent")
    yield _line("last run", f"{found}, {age(facts.last_at, now)} ago")
    for number, why in enumerate(facts.last.keys, 1):
        if why:
            yield _line("", f"with key {number}{_source(facts.keys, number)}: {why}")
    yield _timeline(probe_timeline.phases_of(facts.last.phases))


def _probe_status(facts: Facts, now: datetime) -> str:
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
        yield _line("router", view.router)
        yield from (_line("", f"{label.ljust(LABEL_WIDTH)}{message}") for label, message in _router(view, now))
        yield from (_line("", f"{'key'.ljust(LABEL_WIDTH)}{message}") for message in _keys(facts.keys, view, now))
        counted = facts.counted.get(view.router)
        if counted:
            yield _line("", f"{'requests'.ljust(LABEL_WIDTH)}{_counted(counted)}")
    shown = facts.changes[-CHANGES_SHOWN:]
    for number, change in enumerate(shown):
        yield _line("" if number else "changes", _change(change, now))
    if facts.routers and not shown:
        yield _line("changes", "none since the routers started")


def _router(view: RouterView, now: datetime) -> Iterator[tuple[str, str]]:
    one = view.state
    why = f", {one.reason}" if one.reason not in ("", one.health) else ""
    yield "state", f"{one.health}, breaker {BREAKER_WORDS[one.breaker]}{why}"
    yield "traffic", f"{one.in_flight}/{one.max_connections} in flight, weight {one.weight:g}"
    yield "errors", f"{one.error_rate_percent:g} % of the last requests{_last_error(view, now)}"
    check = one.health_check.last_failure if one.health_check else None
    if check and check.at:
        yield "check", f"the last failed one found {check.result}, {age(check.at, now)} ago"
    for model in one.models:
        if model.breaker != "Closed":
            yield "model", f"{model.name}: breaker {BREAKER_WORDS[model.breaker]}{_after(model.reason)}"


def _source(sources: Sequence[str], number: int) -> str:
    return f" ({sources[number - 1]})" if 0 < number <= len(sources) else ""


def _keys(sources: Sequence[str], view: RouterView, now: datetime) -> Iterator[str]:
    """Of an endpoint with several API keys."""
    for one in view.state.keys:
        where = f"{one.key}{_source(sources, one.key)}"
        why = word(one.reason)
        if not why:
            yield f"{where}: in use, {one.in_flight} in flight"
            continue
        since = f" for {age(one.since, now)}" if one.since else ""
        left_s = round((one.retry_at - now).total_seconds()) if one.retry_at else 0
        back = f", next try in {left_s} s" if left_s > 0 else ""
        yield f"{where}: left out{since}, {why}{back}"


def _last_error(view: RouterView, now: datetime) -> str:
    found = view.state.last_error
    if found is None or not found.class_ or found.at is None:
        return ""
    return f", the last was {found.cause or found.class_} {age(found.at, now)} ago"


def _after(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _counted(counts: Counts) -> str:
    message = f"{counts.attempts:g} since the router started, {counts.failed:g} failed"
    half, most = (quantile_ms(counts.first_token, share) for share in (0.5, 0.99))
    return f"{message}; first token p50 {half} ms, p99 {most} ms" if half is not None else message


def _change(change: Change, now: datetime) -> str:
    what = change.what
    when = f"{age(what.at, now)} ago" if what.at else "?"
    about = f"{what.model}: " if what.model else f"key {what.key}: " if what.key else ""
    return f"{when}: {about}{change_text(what)} [{change.router}]"


def _to_do(facts: Facts, now: datetime) -> Iterator[Text]:
    words = facts.reasons or ((facts.unbelieved,) if facts.unbelieved else ())
    if not words:
        yield _line("do", _nothing(facts), "green" if facts.endpoint.health == "Healthy" else "yellow")
        return
    if facts.unbelieved:
        message = f"only the last run found {facts.unbelieved}; it has no effect until another run finds it, too"
        yield _line("not yet", message)
    yield from (_line("recovers", what) for what in comes_back(facts, now))
    yield from (_line("do", f"it {seen(word, facts)}: {advice(word, facts)}", "bold") for word in words)
    pages = [page_of(cause(word, facts)) for word in words] + (
        ["BreakerOpen"] if facts.endpoint.breaker != "Closed" else []
    )
    yield from (_line("runbook", f"poolkeeper runbook {found}") for found in dict.fromkeys(pages) if runbook(found))


def _nothing(facts: Facts) -> str:
    if facts.endpoint.outage_since:
        return "wait: it serves again, and the outage is over when this lasts"
    if facts.endpoint.health == "Unknown":
        return "send the pool a request: nobody knows yet whether it answers"
    return "nothing: no problem is known"


def _line(label: str, message: str, style: str = "") -> Text:
    return Text.assemble((label.ljust(LABEL_WIDTH), "dim"), (message, style))
