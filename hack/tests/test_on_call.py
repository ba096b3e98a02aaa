"""Who said what of an outage, and when, from what they said all the time."""

import pytest

from hack.dashboards.lookers import ALERTS, Looker, Said, columns, headline, troubles
from hack.dashboards.on_call_page import page
from hack.dashboards.outage import PHASES, Heard, Phase, alerts_of, heard_of

DOWN = Phase("it is down", 60, {"official": "busy503"}, {"status": "^down"})
WELL = Phase("it is well", 60, {}, {"status": "^well"})


def looker(*said: tuple[float, str], name: str = "status") -> Looker:
    return Looker(name, lambda: "", [Said(at_s, words) for at_s, words in said])


@pytest.mark.parametrize(
    ("said", "want"),
    [
        ([(0, "well"), (13, "down: busy")], (3, 3, "down: busy")),
        ([(0, "well"), (13, "down"), (20, "well"), (30, "down again")], (3, 20, "down")),
        ([(0, "well"), (13, "down"), (20, "well")], (3, None, "down")),
        ([(0, "well"), (13, "down"), (15, "down: busy")], (3, 3, "down")),
        ([(0, "well")], (None, None, "well")),
        ([(0, "down"), (12, "well")], (None, None, "well")),
    ],
    ids=["once", "a flicker counts", "it did not stay", "other words are as right", "never", "before it began"],
)
def test_when_the_words_were_right(said: list[tuple[float, str]], want: tuple[float | None, float | None, str]) -> None:
    heard = heard_of(DOWN, looker(*said), began_s=10)

    assert (heard.after_s, heard.stays_s, heard.words) == want


def test_an_alert_begins_and_ends() -> None:
    said = looker((0, "A"), (12, "A, B"), (30, "B"), name=ALERTS)

    assert [(one.after_s, one.words) for one in alerts_of(DOWN, said, began_s=10)] == [(2, "B fires"), (20, "A ends")]
    assert [(one.after_s, one.words) for one in alerts_of(WELL, said, began_s=10)][-1] == (None, "B still fires")


def test_the_page_has_a_table_for_each_phase() -> None:
    heard = [
        Heard(DOWN, "kubectl get epool", 2.5, 12.0, "Tier 1 | 2"),
        Heard(DOWN, "the page", None, None, "Well"),
        Heard(DOWN, ALERTS, 70.0, None, "A fires"),
    ]

    shown = page({"date": "today"}, heard)

    assert "## It is down" in shown
    assert "| `kubectl get epool` | 2.5 s | 12 s | Tier 1 \\| 2 |" in shown
    assert "| the page | **never** | no | Well |" in shown
    assert shown.index("the page | **never**") < shown.index("A fires")


def test_every_phase_but_the_first_says_what_all_must_say() -> None:
    lookers = {frozenset(phase.wanted) for phase in PHASES[1:]}

    assert len(lookers) == 1


def test_columns_are_read_by_their_place_as_one_may_be_empty() -> None:
    table = (
        "NAME   READY   AVAILABLE   HEALTHY   TIER   FAILOVER   AGE   STATE\n"
        "chat   True    False       0/2              True       5m    official is overloaded since 12:00\n"
    )

    assert columns(table) == (
        "Available False, Healthy 0/2, Tier , Failover True, State official is overloaded since 12:00"
    )


DESCRIBED = """\
Status:
  Conditions:
    Last Transition Time:  2026-11-29T12:00:00Z
    Message:               1/2 endpoints take traffic
    Observed Generation:   1
    Reason:                MinimumEndpointsAvailable
    Status:                True
    Type:                  Available
    Message:               official is overloaded. To do: wait
    Reason:                EndpointsUnhealthy
    Status:                {degraded}
    Type:                  Degraded
    Message:               Tier 1 serves
    Reason:                PrimaryUnhealthy
    Status:                {failover}
    Type:                  FailoverActive
"""


@pytest.mark.parametrize(
    ("degraded", "failover", "want"),
    [
        ("False", "False", "every condition is good"),
        ("True", "False", "Degraded=True: official is overloaded. To do: wait"),
        ("True", "True", "FailoverActive=True: Tier 1 serves"),
    ],
)
def test_the_worst_condition_is_said(degraded: str, failover: str, want: str) -> None:
    assert troubles(DESCRIBED.format(degraded=degraded, failover=failover)) == want


def test_the_youngest_page_of_status_counts() -> None:
    page = ["ns/chat", "", "ENDPOINT  TIER", "official  0"]
    now = ["official is overloaded", "ENDPOINT  TIER", "! Degraded=True EndpointsUnhealthy for 5s: official"]

    assert headline([*page, *now]) == "official is overloaded / Degraded=True EndpointsUnhealthy: official"
    assert headline([]) == ""
