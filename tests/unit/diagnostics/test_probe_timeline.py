"""The phases of a probed request stand one behind the other, and end where nothing more came."""

import pytest

from poolkeeper.api.probe_result import ProbePhases
from poolkeeper.diagnostics.probe_timeline import BAR_WIDTH, Phase, bar, phases_of, total_ms

WHOLE = ProbePhases(
    dns=10,
    addresses=2,
    unreachable=1,
    tcp=20,
    tls=30,
    certificate_ends="2026-12-01",
    headers=100,
    alive=150,
    first=400,
    end=1000,
    rate=20.5,
    status=200,
    finish="stop",
    prompt=9,
    completion=12,
    cached=8,
)


def bars(seen: ProbePhases) -> list[tuple[str, int, int | None]]:
    return [(phase.name, phase.begin_ms, phase.took_ms) for phase in phases_of(seen)]


def test_a_good_answer_from_the_name_to_the_last_token() -> None:
    assert bars(WHOLE) == [
        ("DNS", 0, 10),
        ("TCP", 10, 20),
        ("TLS", 30, 30),
        ("headers", 60, 100),
        ("first byte", 160, 50),
        ("first token", 210, 250),
        ("stream", 460, 600),
    ]
    assert total_ms(phases_of(WHOLE)) == 10 + 20 + 30 + 1000


def test_what_is_worth_a_note() -> None:
    assert {phase.name: phase.note for phase in phases_of(WHOLE) if phase.note} == {
        "DNS": "2 addresses, 1 of them accept no connection",
        "TLS": "certificate until 2026-12-01",
        "headers": "status 200",
        "stream": "12 tokens, 20.5 a second, finish stop, prompt 9 tokens, 8 cached",
    }


@pytest.mark.parametrize(
    ("seen", "want"),
    [
        (ProbePhases(), ("TCP", 0, None)),
        (ProbePhases(dns=5), ("TCP", 5, None)),
        (ProbePhases(dns=5, tcp=5, tls=5), ("headers", 15, None)),
        (ProbePhases(tcp=5, headers=7), ("first token", 12, None)),
        (ProbePhases(tcp=5, headers=7, alive=9), ("first token", 14, None)),
        (ProbePhases(tcp=5, headers=7, alive=9, first=20), ("stream", 25, None)),
    ],
    ids=["no way", "no connection", "no answer", "no body", "keep-alives only", "no end"],
)
def test_it_ends_where_nothing_more_came(seen: ProbePhases, want: tuple[str, int, int | None]) -> None:
    assert bars(seen)[-1] == want


def test_keep_alives_without_content_are_named() -> None:
    seen = ProbePhases(tcp=5, headers=7, alive=9, status=200, end=30_000)

    assert "then nothing but keep-alives" in [phase.note for phase in phases_of(seen)]


@pytest.mark.parametrize(
    ("phase", "whole_ms", "want"),
    [
        (Phase("a", 0, 50), 100, "━" * (BAR_WIDTH // 2)),
        (Phase("a", 50, 50), 100, " " * (BAR_WIDTH // 2) + "━" * (BAR_WIDTH // 2)),
        (Phase("a", 0, 0), 100, "━"),
        (Phase("a", 100, 0), 100, " " * (BAR_WIDTH - 1) + "━"),
        (Phase("a", 100, None), 100, " " * BAR_WIDTH + "x"),
        (Phase("a", 0, None), 0, "x"),
        (Phase("a", 0, 0), 0, "━"),
    ],
)
def test_a_bar_shows_where_in_the_whole(phase: Phase, whole_ms: int, want: str) -> None:
    assert bar(phase, whole_ms) == want
