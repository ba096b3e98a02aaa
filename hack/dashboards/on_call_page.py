"""docs/on-call.md: who said what of an outage, after how many seconds. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from hack.dashboards.lookers import ALERTS
from hack.dashboards.outage import Heard

_HEAD = """\
<!-- Written by `make on-call`; do not edit. -->
# An outage, seen by the person on call

A pool of two providers on a real Kubernetes with the default policy: `official` in tier 0, `backup` in tier 1, two
routers, four requests a second, a Prometheus that scrapes routers and operator every 5 s and has
[the rules](alerts/README.md). The providers fail by a script. Everything that you can look at is asked about once a
second, one after the other. *After*: the seconds until its words were first the right ones. *Stays*: the second from
which on they did not change back.

| you look at | it comes from |
|---|---|
| `kubectl get epool`, `kubectl describe epool`, Events | the status and the Events of the resource: the operator asks \
the routers every two seconds |
| `poolkeeper status -w` | the same status |
| the page | the chart's `dashboard.enabled` ([what is on it](dashboard.md)) |
| dashboard Health | the queries of its panels *Serving tier* and *No requests, since when* \
([dashboards](dashboards.md)) |
| alerts | Prometheus ([each alert](alerts/README.md)); Alertmanager adds its own waiting time |
"""


def page(facts: Mapping[str, str], heard: Sequence[Heard]) -> str:
    parts = [_HEAD]
    for phase, of_one in groupby(heard, key=lambda one: one.phase):
        parts += [f"## {phase.title[:1].upper()}{phase.title[1:]}\n", f"For {phase.seconds:.0f} s.\n"]
        parts += ["| who | after | stays | says |", "|---|---:|---:|---|"]
        ordered = sorted(of_one, key=lambda one: (one.who == ALERTS, one.after_s is None, one.after_s or 0.0))
        parts += [f"| {_name(one.who)} | {_after(one)} | {_stays(one)} | {_cell(one.words)} |" for one in ordered]
        parts.append("")
    parts.append("; ".join(f"{name}: {value}" for name, value in facts.items()) + ".")
    return "\n".join(parts).rstrip() + "\n"


def _name(who: str) -> str:
    return f"`{who}`" if who.startswith(("kubectl", "poolkeeper")) else who


def _after(one: Heard) -> str:
    if one.after_s is None:
        return "at its end" if one.who == ALERTS else "**never**"
    return _seconds(one.after_s)


def _stays(one: Heard) -> str:
    if one.who == ALERTS:
        return ""
    return "no" if one.stays_s is None else _seconds(one.stays_s)


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
