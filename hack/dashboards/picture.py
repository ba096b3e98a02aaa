"""A dashboard as SVG, drawn from what Prometheus answered to its queries: docs/dashboards.md shows these. Pure.

No Grafana runs here, so this is no screenshot of one: same panels, same queries, same colours, less decoration.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from hack.dashboards.chart_scale import formatted, label_of, nice_top
from hack.dashboards.check import Answer
from hack.dashboards.panels import Kind, Panel, Query
from hack.dashboards.prometheus import Series

WIDTH, GAP, LINE, ROW_TITLE = 1200.0, 6.0, 26.0, 24.0
COLUMNS = 24
INK, FAINT, FRAME, PAPER = "#222222", "#777777", "#d4d7dc", "#ffffff"
PALETTE = ("#3b7dd8", "#f2883b", "#2e9e5b", "#8f5bd6", "#d03b3b", "#5bc0b0", "#c06c2b", "#8a8f98", "#d66bb0", "#e0b400")
LEGEND_CHARS = 34


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Span:
    """Of time, on the x axis."""

    from_s: float
    to_s: float

    def x(self, at_s: float, box: Box) -> float:
        return box.x + (at_s - self.from_s) / (self.to_s - self.from_s) * box.width


def picture(rows: Sequence[tuple[str, Sequence[Answer]]], title: str, span: Span) -> str:
    """rows: with their titles, as in the dashboard."""
    parts, y = [], 34.0
    for name, answers in rows:
        parts.append(_text(GAP, y + 16, name, size=13, weight="bold"))
        y += ROW_TITLE
        for answer, box in _laid(answers, y):
            parts += _panel(answer, box, span)
        y = max(box.y + box.height for _, box in _laid(answers, y)) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {y:g}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH:g}" height="{y:g}" fill="#f4f5f6"/>',
        _text(GAP, 22, title, size=16, weight="bold"),
    )
    return "\n".join([*head, *parts, "</svg>", ""])


def _laid(answers: Sequence[Answer], top: float) -> Iterator[tuple[Answer, Box]]:
    """As Grafana lays panels out: from left to right, then below the tallest."""
    column, y, tallest = 0, top, 0.0
    unit = (WIDTH - GAP) / COLUMNS
    for answer in answers:
        panel = answer.panel
        if column + panel.width > COLUMNS:
            column, y, tallest = 0, y + tallest, 0.0
        height = panel.height * LINE
        yield answer, Box(GAP + column * unit, y, panel.width * unit - GAP, height - GAP)
        column, tallest = column + panel.width, max(tallest, height)


def _panel(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="3" '
        f'fill="{PAPER}" stroke="{FRAME}"><title>{escape(answer.panel.about)}</title></rect>'
    )
    yield _text(box.x + 8, box.y + 16, answer.panel.title, weight="bold")
    inner = Box(box.x + 8, box.y + 26, box.width - 16, box.height - 34)
    yield from _DRAWN[answer.panel.kind](answer, inner, span)


def _stat(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    values = [(label_of(query.legend, one), one.last) for query, found in _asked(answer) for one in found]
    share = box.width / max(1, len(values))
    for number, (name, value) in enumerate(values):
        part = Box(box.x + number * share, box.y, share - 4, box.height)
        colour = _stepped(answer.panel, value)
        if answer.panel.steps:
            yield _rect(part, colour)
        ink = PAPER if answer.panel.steps else INK
        word = formatted(value, answer.panel.unit, answer.panel.decimals)
        size = min(24.0, part.width / max(3, len(word)) * 1.6)
        middle = part.x + part.width / 2
        yield _text(middle, part.y + part.height / 2 + size / 3, word, size=size, colour=ink, anchor="middle")
        yield _text(middle, part.y + part.height - 5, name[: int(part.width / 6)], colour=ink, anchor="middle")


def _lines(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    named = [(label_of(query.legend, one), one) for query, found in _asked(answer) for one in found]
    named = sorted(named, key=lambda one: one[0])[: 3 * len(PALETTE)]
    is_stack = answer.panel.kind is Kind.STACK
    chart = Box(box.x + 46, box.y, box.width - 50, box.height - 40)
    below: dict[float, float] = {}
    shapes: list[tuple[str, list[tuple[float, float, float]]]] = []
    for name, one in named:
        points = []
        for at_s, value in one.points:
            base = below.get(at_s, 0.0) if is_stack else 0.0
            points.append((at_s, base, base + value))
            below[at_s] = base + value
        shapes.append((name, points))
    top = nice_top(max((high for _, points in shapes for _, _, high in points), default=1.0))
    yield from _axes(answer.panel, chart, span, top)
    colours = _colours(answer.panel, [name for name, _ in shapes])

    def path(spots: Iterable[tuple[float, float]]) -> str:
        return " ".join(
            f"{span.x(at_s, chart):.1f},{chart.y + chart.height * (1 - value / top):.1f}" for at_s, value in spots
        )

    for name, points in shapes:
        if is_stack:
            edge = [*((at_s, high) for at_s, _, high in points), *((at_s, low) for at_s, low, _ in reversed(points))]
            yield f'<polygon points="{path(edge)}" fill="{colours[name]}" fill-opacity="0.75"/>'
            continue
        dash = ' stroke-dasharray="5 4"' if name.endswith(" limit") else ""
        for run in _unbroken(points):
            yield f'<polyline points="{path(run)}" fill="none" stroke="{colours[name]}" stroke-width="1.6"{dash}/>'
    moving = [(name, colours[name]) for name, points in shapes if any(high > low for _, low, high in points)]
    every = [(name, colours[name]) for name, _ in shapes]
    yield from _legend(moving or every, Box(box.x, box.y + box.height - 20, box.width, 20))


def _unbroken(points: Sequence[tuple[float, float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Parts of a line between moments without a value."""
    usual = min((later[0] - earlier[0] for earlier, later in pairwise(points)), default=1.0)
    run: list[tuple[float, float]] = []
    for at_s, _, high in points:
        if run and at_s - run[-1][0] > 1.5 * usual:
            yield run
            run = []
        run.append((at_s, high))
    if run:
        yield run if len(run) > 1 else [run[0], (run[0][0] + usual / 2, run[0][1])]


def _axes(panel: Panel, chart: Box, span: Span, top: float) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = chart.y + chart.height * (1 - part)
        yield f'<line x1="{chart.x:.1f}" y1="{y:.1f}" x2="{chart.x + chart.width:.1f}" y2="{y:.1f}" stroke="#eceef0"/>'
        yield _text(chart.x - 5, y + 4, formatted(top * part, panel.unit, None), size=9, colour=FAINT, anchor="end")
    yield from _clock(chart, span)


def _clock(chart: Box, span: Span) -> Iterator[str]:
    whole = span.to_s - span.from_s
    for part in range(5):
        at_s = whole * part / 4
        x = span.x(span.from_s + at_s, chart)
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        yield _text(x, chart.y + chart.height + 12, f"{at_s:.0f} s", size=9, colour=FAINT, anchor=anchor)


def _bands(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    named = sorted((label_of(query.legend, one), one) for query, found in _asked(answer) for one in found)
    left = min(150.0, 6.2 * max((len(name) for name, _ in named), default=1) + 8)
    chart = Box(box.x + left, box.y, box.width - left, box.height - 34)
    tall = min(30.0, chart.height / max(1, len(named)))
    for number, (name, one) in enumerate(named):
        y = chart.y + number * tall
        yield _text(chart.x - 6, y + tall / 2 + 4, name[-24:], size=10, anchor="end")
        step = min((later[0] - earlier[0] for earlier, later in pairwise(one.points)), default=1.0)
        for from_s, to_s, colour in _merged(one, step, lambda value: _coloured(answer.panel, value)):
            x = span.x(from_s, chart)
            wide = min(span.x(to_s, chart), chart.x + chart.width) - x
            yield _rect(Box(x, y + 1, max(0.5, wide), tall - 2), colour)
    yield from _clock(Box(chart.x, chart.y, chart.width, tall * max(1, len(named))), span)
    panel = answer.panel
    seen = [(state.word, state.colour) for state in panel.states if _occurs(answer, state.value)]
    steps = [(f"from {step.value:.0%}" if step.value is not None else "below", step.colour) for step in panel.steps]
    yield from _legend(seen or steps, Box(box.x, box.y + box.height - 14, box.width, 14))


def _merged(one: Series, step: float, colour: Callable[[float], str]) -> Iterator[tuple[float, float, str]]:
    """Neighbouring moments of one colour are one rectangle."""
    start, end, now = one.points[0][0], one.points[0][0] + step, colour(one.points[0][1])
    for at_s, value in one.points[1:]:
        if colour(value) == now and at_s <= end + step / 2:
            end = at_s + step
            continue
        yield start, min(end, at_s), now
        start, end, now = at_s, at_s + step, colour(value)
    yield start, end, now


def _buckets(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    chart = Box(box.x + 46, box.y, box.width - 50, box.height - 18)
    ordered = sorted(answer.found[0], key=lambda one: float(one.labels["le"].replace("+Inf", "inf")))
    lower: Mapping[float, float] = {}
    cells: list[tuple[int, float, float]] = []
    for number, one in enumerate(ordered):
        here = dict(one.points)
        cells += [(number, at_s, value - lower.get(at_s, 0.0)) for at_s, value in one.points]
        lower = here
    used = sorted({number for number, _, count in cells if count > 0.01})
    most = max((count for _, _, count in cells), default=1.0)
    tall, wide = chart.height / max(1, len(used)), chart.width / max(1, len(lower))
    for row, number in enumerate(used):
        y = chart.y + chart.height - (row + 1) * tall
        bound = ordered[number].labels["le"]
        yield _text(chart.x - 5, y + tall / 2 + 3, f"≤ {bound} s", size=9, colour=FAINT, anchor="end")
        for _, at_s, count in (cell for cell in cells if cell[0] == number and cell[2] > 0.01):
            place = Box(span.x(at_s, chart), y, wide, tall - 1)
            yield _rect(place, "#3b52b8", opacity=0.15 + 0.85 * min(1.0, count / most))
    yield from _clock(chart, span)


def _table(answer: Answer, box: Box, span: Span) -> Iterator[str]:
    found = sorted(answer.found[0], key=lambda one: -one.last)
    names = sorted({name for one in found for name in one.labels if name not in ("namespace", "__name__")})
    columns = [*names, answer.panel.queries[0].column]
    wide = box.width / len(columns)
    for number, name in enumerate(columns):
        yield _text(box.x + number * wide, box.y + 10, name, size=10, weight="bold", colour=FAINT)
    for row, one in enumerate(found[: int((box.height - 14) / 17)]):
        last = formatted(one.last, answer.panel.unit, answer.panel.decimals)
        for number, word in enumerate([*(one.labels.get(name, "") for name in names), last]):
            yield _text(box.x + number * wide, box.y + 28 + row * 17, word[: int(wide / 6.2)], size=11)


_DRAWN: Mapping[Kind, Callable[[Answer, Box, Span], Iterator[str]]] = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.STACK: _lines,
    Kind.STATES: _bands,
    Kind.CELLS: _bands,
    Kind.BUCKETS: _buckets,
    Kind.TABLE: _table,
}


def _asked(answer: Answer) -> Iterator[tuple[Query, Sequence[Series]]]:
    return zip(answer.panel.queries, answer.found, strict=True)


def _coloured(panel: Panel, value: float) -> str:
    state = next((one for one in panel.states if one.value == value), None)
    return state.colour if state else _stepped(panel, value)


def _stepped(panel: Panel, value: float) -> str:
    passed = [step.colour for step in panel.steps if step.value is None or value >= step.value]
    return passed[-1] if passed else FAINT


def _occurs(answer: Answer, value: float) -> bool:
    return any(point == value for found in answer.found for one in found for _, point in one.points)


def _colours(panel: Panel, names: Sequence[str]) -> Mapping[str, str]:
    """A limit has the colour of what it limits."""
    plain = [name for name in names if not name.endswith(" limit")]
    chosen = {name: panel.colours.get(name, PALETTE[number % len(PALETTE)]) for number, name in enumerate(plain)}
    return chosen | {name: chosen.get(name.removesuffix(" limit"), FAINT) for name in names if name not in chosen}


def _legend(named: Sequence[tuple[str, str]], box: Box) -> Iterator[str]:
    x = box.x
    for name, colour in named:
        wide = 16 + 5.6 * min(len(name), LEGEND_CHARS)
        if x + wide > box.x + box.width:
            break
        yield _rect(Box(x, box.y + 6, 9, 9), colour)
        yield _text(x + 13, box.y + 14, name[:LEGEND_CHARS] or "all", size=10)
        x += wide + 8


def _rect(box: Box, colour: str, opacity: float = 1.0) -> str:
    seen = "" if opacity == 1.0 else f' fill-opacity="{opacity:.2f}"'
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'fill="{colour}"{seen}/>'
    )


def _text(
    x: float, y: float, words: str, size: float = 11, colour: str = INK, anchor: str = "start", weight: str = "normal"
) -> str:
    look = f' text-anchor="{anchor}"' if anchor != "start" else ""
    look += f' font-weight="{weight}"' if weight != "normal" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.3g}" fill="{colour}"{look}>{escape(words)}</text>'
