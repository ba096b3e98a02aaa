"""Dashboards ask for what is measured, are shown as Grafana expects them, and say what happened."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hack.bench.incidents.day import BACKUP, OFFICIAL, PROVIDERS
from hack.dashboards import incident
from hack.dashboards.chart_scale import formatted, label_of, nice_top
from hack.dashboards.check import Answer, Compared, answers, compared, serving
from hack.dashboards.grafana import TAG, as_json
from hack.dashboards.incident import Script, Story
from hack.dashboards.page import pictures
from hack.dashboards.panels import Dashboard, Kind, Panel, Query
from hack.dashboards.picture import Span, picture
from hack.dashboards.prometheus import Prometheus, Series
from hack.dashboards.table import DASHBOARDS
from testing.fakes.deepseek.log import Entry
from testing.router_lua import router_families

ROOT = Path(__file__).resolve().parents[2]
OF_TARGETS = {"namespace", "pool", "pod", "cluster"}
"""Labels that Prometheus adds to every series of a router."""
PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
NAMES = [f"{dashboard.slug}: {panel.title}" for dashboard, panel in PANELS]
SHOWN = pytest.mark.parametrize("shown", PANELS, ids=NAMES)
EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=[one.slug for one in DASHBOARDS])


def metrics(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each with the labels that it is selected by."""
    for name, selector in re.findall(r"\b((?:poolkeeper|gen_ai)_\w+|ALERTS)(\{[^}]*\})?", query):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))


def labels_of(name: str) -> set[str]:
    if name == "ALERTS":
        return {"alertname", "alertstate", "severity", "endpoint"}
    families = router_families()
    family = re.sub(r"_(bucket|sum|count)$", "", name)
    assert name in families or family in families, f"{name}: no router has this metric"
    is_histogram = name not in families
    return set(families[family if is_histogram else name].labels) | ({"le"} if is_histogram else set())


@SHOWN
def test_a_query_asks_for_what_is_measured(shown: tuple[Dashboard, Panel]) -> None:
    for query in shown[1].queries:
        text = query.filled({})
        found = dict(metrics(text))
        known = OF_TARGETS.union(*(labels_of(name) for name in found))
        grouped = {word for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", text) for word in re.findall(r"\w+", group)}

        assert found
        for name, selected in found.items():
            assert selected <= labels_of(name) | OF_TARGETS, name
        assert grouped <= known | {"cause", "endpoint"}
        assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= known


@SHOWN
def test_a_panel_keeps_to_the_pools_that_are_selected(shown: tuple[Dashboard, Panel]) -> None:
    for query in shown[1].queries:
        assert all(
            {"namespace", "pool"} <= selected for name, selected in metrics(query.filled({})) if name != "ALERTS"
        )


@EACH
def test_a_panel_is_found_by_its_title(dashboard: Dashboard) -> None:
    assert [title for title, count in Counter(panel.title for panel in dashboard.panels).items() if count > 1] == []
    assert all(panel.about.endswith(".") for panel in dashboard.panels)


@EACH
def test_grafana_gets_every_panel_with_its_queries(dashboard: Dashboard) -> None:
    made = json.loads(as_json(dashboard))
    panels = [one for one in made["panels"] if one["type"] != "row"]

    assert made["uid"] == dashboard.uid
    assert made["links"][0]["tags"] == made["tags"] == [TAG]
    assert [one["title"] for one in panels] == [panel.title for panel in dashboard.panels]
    for one, panel in zip(panels, dashboard.panels, strict=True):
        assert [target["expr"] for target in one["targets"]] == [query.filled({}) for query in panel.queries]
        assert one["datasource"]["uid"] == "${datasource}"
        assert one["gridPos"]["x"] + one["gridPos"]["w"] <= 24


def test_every_variable_is_one_that_grafana_has() -> None:
    for dashboard in DASHBOARDS:
        made = json.loads(as_json(dashboard))
        declared = {one["name"] for one in made["templating"]["list"]}
        asked = {
            name
            for panel in dashboard.panels
            for query in panel.queries
            for name in re.findall(r"\$(\w+)", query.filled({}))
        }

        assert asked - {"__range", "__range_s", "__rate_interval"} <= declared


@EACH
def test_the_page_tells_of_every_panel(dashboard: Dashboard) -> None:
    page = (ROOT / "docs/dashboards.md").read_text()

    assert [panel.title for panel in dashboard.panels if f"| {panel.title} |" not in page] == [], (
        "run `make dashboards`"
    )
    ElementTree.parse(ROOT / f"docs/dashboards/{dashboard.slug}.svg")


def test_what_is_wrong_is_seen() -> None:
    right = Compared("429", 10.0, 11.0, 1.0)

    assert right.is_right
    assert not replace(right, shown=9.0).is_right
    assert answer(Kind.LINES, [series(1.0)], []).is_empty
    assert not answer(Kind.LINES, [series(1.0)]).is_empty


def test_a_tier_serves_for_certain_where_all_answers_around_are_its_own() -> None:
    asked: dict[str, list[Entry]] = {one.name: [] for one in PROVIDERS} | {
        OFFICIAL: [accepted(0.1 + second) for second in range(6)] + [accepted(8.2, chunks=0)],
        BACKUP: [accepted(0.2 + second) for second in range(6, 12)],
    }
    story = Story(Script(12, 1, []), Prometheus("http://127.0.0.1"), 0, 12, 12, asked, [])

    assert serving(story) == {2: 0, 3: 0, 4: 0, 8: 1, 9: 1, 10: 1}


@pytest.mark.parametrize("kind", Kind)
def test_a_picture_of_any_panel(kind: Kind) -> None:
    drawn = picture(
        [("row", [answer(kind, [series(1.0, 2.0, le="0.5"), series(3.0, le="+Inf")])])], "<title>", Span(0, 60)
    )

    assert "&lt;title&gt;" in drawn
    ElementTree.fromstring(drawn)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "want"),
    [
        (0.98765, "percentunit", 1, "98.8 %"),
        (0.0421, "s", None, "42.1 ms"),
        (3.5, "s", None, "3.5 s"),
        (600.0, "s", None, "10.0 min"),
        (12_345.0, "short", None, "12.3 k"),
        (0.5, "reqps", None, "0.5 /s"),
        (1.25, "short", 1, "1.2"),
    ],
)
def test_a_number_has_its_unit(value: float, unit: str, decimals: int | None, want: str) -> None:
    assert formatted(value, unit, decimals) == want


def test_an_axis_ends_at_a_round_number() -> None:
    assert [nice_top(value) for value in (0.0, 0.3, 1.0, 7.0, 11.0)] == [1.0, 0.5, 1.0, 10.0, 20.0]


def test_a_legend_has_the_labels_of_its_series() -> None:
    assert label_of("{{pool}} {{endpoint}}", Series({"pool": "p"}, [])) == "p"


@pytest.mark.router
@pytest.mark.slow
@pytest.mark.paced
def test_a_story_of_incidents_is_shown_as_it_happened(tmp_path: Path) -> None:
    with incident.played(incident.short(), tmp_path) as story:
        found, values = answers(story), list(compared(story))
        firing = story.prometheus.firing()

    assert [f"{one.dashboard.slug}: {one.panel.title}" for one in found if one.is_empty] == []
    assert [one for one in values if not one.is_right] == []
    assert sum("served for certain" in one.what for one in values) == 2, "both tiers, each for some seconds"
    assert {"PoolkeeperCallersFail"} <= {one["alertname"] for one in firing}
    assert not any("<error" in text for one in firing for text in one.values())
    assert set(pictures(found, Span(story.began_s, story.now_s))) == {one.slug for one in DASHBOARDS}


def accepted(at_s: float, chunks: int = 1) -> Entry:
    return Entry(
        1, 1, "", None, "POST", "/v1/chat/completions", None, None, {}, 1, at_s, at_s, status=200, chunks=chunks
    )


def answer(kind: Kind, *found: list[Series]) -> Answer:
    panel = Panel("panel", kind, "About.", [Query("up", "{{le}}", column="value")] * len(found))
    return Answer(DASHBOARDS[0], panel, found)


def series(*values: float, **labels: str) -> Series:
    return Series(labels, [(10.0 * number, value) for number, value in enumerate(values)])
