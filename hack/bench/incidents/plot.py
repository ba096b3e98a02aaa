"""The plot of docs/incidents.md: how many requests each gateway answered, through the day. Pure."""

import math
from collections.abc import Sequence

from hack.bench.incidents.caller import Ended
from hack.bench.incidents.day import HOURS, INCIDENTS
from hack.bench.incidents.figures import Figures, answered_by_hour

PARTS = 96
COLOURS = ("#888888", "#1b9e77", "#7570b3", "#d95f02", "#e7298a")
MARK_LINES = 4
MARK_GAP_H = 0.6
"""Room for the number of the next mark."""
WIDTH, ROW_HEIGHT, LEFT, TOP = 900, 46, 190, 78


def plot(found: Sequence[tuple[Figures, Sequence[Ended]]], day_s: float) -> str:
    """One band a gateway: how much of it is filled is how many were answered in that quarter of an hour."""
    height = TOP + ROW_HEIGHT * len(found) + 30
    step = (WIDTH - LEFT - 20) / PARTS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15">Requests answered in full, through a day of incidents</text>',
        *_incidents(step),
    ]
    for number, (row, ended) in enumerate(found):
        top = TOP + number * ROW_HEIGHT
        parts.append(f'<text x="10" y="{top + 17}">{row.title}</text>')
        parts.append(f'<text x="10" y="{top + 32}" fill="#666">{row.answered_percent:.2f} %</text>')
        parts.append(f'<rect x="{LEFT}" y="{top}" width="{step * PARTS:.1f}" height="{ROW_HEIGHT - 10}" fill="#eee"/>')
        for part, percent in enumerate(answered_by_hour(ended, day_s, PARTS)):
            if not math.isnan(percent):
                tall = (ROW_HEIGHT - 10) * percent / 100
                parts.append(
                    f'<rect x="{LEFT + part * step:.1f}" y="{top + ROW_HEIGHT - 10 - tall:.1f}" width="{step:.2f}" '
                    f'height="{tall:.1f}" fill="{COLOURS[number % len(COLOURS)]}"/>'
                )
    for hour in range(0, 25, 3):
        x = LEFT + hour / HOURS * step * PARTS
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#666">{hour:02d}:00</text>')
    return "\n".join([*parts, "</svg>", ""])


def _incidents(step: float) -> Sequence[str]:
    """Marks above the bands with the numbers of the page's table, each in the first line that is free there."""
    marks: list[str] = []
    ends_h = [0.0] * MARK_LINES
    for number, one in enumerate(INCIDENTS, start=1):
        line = next(line for line, end_h in enumerate(ends_h) if end_h <= one.start_h)
        ends_h[line] = one.end_h + MARK_GAP_H
        x, wide = LEFT + one.start_h / HOURS * step * PARTS, (one.end_h - one.start_h) / HOURS * step * PARTS
        y = 28 + line * 11
        marks.append(
            f'<rect x="{x:.1f}" y="{y}" width="{max(2.0, wide):.1f}" height="9" fill="#c33" opacity="0.45">'
            f'<title>{one.title}</title></rect><text x="{x - 2:.1f}" y="{y + 8}" font-size="9" text-anchor="end" '
            f'fill="#666">{number}</text>'
        )
    return marks
