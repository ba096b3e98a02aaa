"""Numbers and names as Grafana writes them: units, the top of an axis, the legend of a series. Pure."""

import math
import re

from hack.dashboards.prometheus import Series

_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def label_of(legend: str, one: Series) -> str:
    """`{{pool}} {{endpoint}}` with the labels of a series."""
    return _LEGEND.sub(lambda found: one.labels.get(found[1], ""), legend).strip()


def nice_top(highest: float) -> float:
    """1, 2 or 5 times a power of ten, not below the highest value."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest * 0.999)


def formatted(value: float, unit: str, decimals: int | None) -> str:
    if unit == "percentunit":
        return f"{100 * value:.{1 if decimals is None else decimals}f} %"
    if unit == "s":
        return _seconds(value, decimals)
    if unit == "m":
        return f"{_number(value, decimals)} min"
    if unit == "bytes":
        return f"{value / 1024 / 1024:.1f} MiB"
    return _number(value, decimals) + (" /s" if unit == "reqps" else "")


def _seconds(value: float, decimals: int | None) -> str:
    if 0 < abs(value) < 1:
        return f"{1000 * value:.3g} ms"
    if abs(value) >= 120:
        return f"{value / 60:.1f} min"
    return f"{_number(value, decimals)} s"


def _number(value: float, decimals: int | None) -> str:
    for size, letter in _SHORT:
        if abs(value) >= 10 * size:
            return f"{value / size:.1f} {letter}"
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.3g}"
