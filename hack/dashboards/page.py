"""docs/dashboards.md: the dashboards as a run filled them, what each panel says, and what was compared. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from hack.dashboards.check import Answer, Compared
from hack.dashboards.panels import DEFAULT_PRICE, Dashboard, Panel
from hack.dashboards.picture import Span, picture
from hack.dashboards.table import DASHBOARDS

_HEAD = """\
<!-- Written by `make dashboards`; do not edit. -->
# Dashboards

Five dashboards for Grafana: an overview, and one each for health, latency, errors, and cost. Each links to the others,
and keeps the pool and the time that you look at. [Alerts](alerts/README.md) come from the same metrics.

| to get them | do |
|---|---|
| in a cluster, with Grafana's sidecar | `monitoring.dashboards.enabled: true` in the \
[chart](../charts/poolkeeper/README.md): a ConfigMap each, with the label `grafana_dashboard` |
| by hand | import the files of [charts/poolkeeper/files/dashboards](../charts/poolkeeper/files/dashboards) \
(Dashboards, New, Import) |
| data | [how to scrape](alerts/prometheus.yaml); the series need the labels `namespace` and `pool`, \
which the chart's PodMonitor gives them |

Grafana 11 or newer. `make generate` makes the files from `hack/dashboards/table`, with Grafana's own SDK
([ADR](adr/0015-dashboards-as-code.md)).

The pictures below are no screenshots of Grafana. They are drawn from what Prometheus answered to the very queries of
the panels, while two routers of one pool lived through {story}.

## The return

Cost and return compares the pool with its first choice: the endpoint of the lowest tier with the highest weight.

- *First choice alone*: moment by moment, the requests that came while it was not known to be down, times the share of
  its own attempts that succeeded then. That is what callers without a pool would have got.
- *Outage avoided*: the difference to what the pool answered, as minutes of the time shown.
- *Worth*: these minutes at your price of an hour without answers: the field at the top, {price} at first.
- *Return*: the worth, less the cost of the pool by its declared prices, probes not included.

An estimate: without the pool, callers might have retried, too. It says nothing of what answers are worth to you.
"""


def pictures(answers: Sequence[Answer], span: Span) -> Mapping[str, str]:
    """SVG by the slug of its dashboard."""
    return {
        dashboard.slug: picture(_rows(dashboard, list(of_one)), dashboard.title, span)
        for dashboard, of_one in groupby(answers, key=lambda answer: answer.dashboard)
    }


def _rows(dashboard: Dashboard, answers: Sequence[Answer]) -> Sequence[tuple[str, Sequence[Answer]]]:
    rows, taken = [], 0
    for row in dashboard.rows:
        rows.append((row.title, answers[taken : taken + len(row.panels)]))
        taken += len(row.panels)
    return rows


def page(facts: Mapping[str, str], story: str, compared: Sequence[Compared]) -> str:
    parts = [_HEAD.format(story=story, price=DEFAULT_PRICE)]
    for dashboard in DASHBOARDS:
        parts += [f"## {dashboard.title.removeprefix('Poolkeeper: ').capitalize()}\n", f"{dashboard.about}\n"]
        parts += [f"![{dashboard.title}](dashboards/{dashboard.slug}.svg)\n", "| panel | what it shows |", "|---|---|"]
        parts += [f"| {panel.title} | {_cell(panel)} |" for panel in dashboard.panels]
        parts.append("")
    parts += [
        "## Is it true?\n",
        "Providers and callers of the run kept their own counts. What Prometheus says is compared with them; no panel "
        "may be empty. `increase()` guesses what came after the last scrape, hence the bounds.\n",
        "| | dashboards | counted | may differ by | |",
        "|---|---:|---:|---:|---|",
        *(_compared(one) for one in compared),
        "",
        "A shorter story is a test: `hack/tests/test_dashboards.py`.",
        "",
        "; ".join(f"{name}: {value}" for name, value in facts.items()) + ".",
    ]
    return "\n".join(parts).rstrip() + "\n"


def _cell(panel: Panel) -> str:
    return panel.about.replace("|", "\\|")


def _compared(one: Compared) -> str:
    sign = "ok" if one.is_right else "**wrong**"
    return f"| {one.what} | {one.shown:.4g} | {one.counted:.4g} | {one.within:.3g} | {sign} |"
