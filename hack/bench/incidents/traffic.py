"""When requests come: the bursts of a real trace, over and over through the day, three times as dense in the surge."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.bench.incidents.day import HOURS, SURGE

TRACE = Path(__file__).resolve().parents[3] / "testing/data/azure_llm_conv_10min.csv"
LENGTH_DIVISOR = 8
"""Lengths in proportion, and short enough for two cores."""
ANSWER_MAX_TOKENS = 64


@dataclass(frozen=True)
class Due:
    number: int
    at_s: float
    prompt_tokens: int
    answer_tokens: int


def requests(day_s: float, rate_per_s: float) -> Sequence[Due]:
    """In order of time. rate_per_s: mean outside the surge."""
    with TRACE.open() as lines:
        rows = [
            (int(row["offset_ms"]), int(row["prompt_tokens"]), int(row["answer_tokens"]))
            for row in csv.DictReader(lines)
        ]
    span_ms = rows[-1][0]
    squeeze = len(rows) / rate_per_s / (span_ms / 1000)
    due: list[Due] = []
    clock_s, place, before_ms = 0.0, 0, 0
    while True:
        offset_ms, prompt, answer = rows[place]
        hour = clock_s / day_s * HOURS
        density = SURGE[2] if SURGE[0] <= hour < SURGE[1] else 1.0
        clock_s += max(0, offset_ms - before_ms) / 1000 * squeeze / density
        if clock_s >= day_s:
            return due
        due.append(
            Due(
                len(due),
                clock_s,
                max(1, prompt // LENGTH_DIVISOR),
                min(ANSWER_MAX_TOKENS, max(1, answer // LENGTH_DIVISOR)),
            )
        )
        place, before_ms = place + 1, offset_ms
        if place == len(rows):
            place, before_ms = 0, 0
