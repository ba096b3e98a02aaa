"""How a pool is, in one of four words: for the colour of a line, a page's title, and an exit code."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from poolkeeper.api.reasons import GOOD, ConditionType
from poolkeeper.api.status import EndpointPoolStatus

Level = Literal["Well", "Look", "Unknown", "Down"]
BY_GRAVITY: tuple[Level, ...] = ("Well", "Look", "Unknown", "Down")
EXIT_CODES: Mapping[Level, int] = MappingProxyType({"Well": 0, "Look": 3, "Unknown": 4, "Down": 5})
"""Of `poolkeeper status --exit-code`. 1 and 2 are for errors of the command itself."""


def level(status: EndpointPoolStatus) -> Level:
    """Down: Available is False. Look: it may answer, and something is not as it should be."""
    said = {condition.type: condition.status for condition in status.conditions}
    available = said.get(ConditionType.Available, "Unknown")
    if available == "False":
        return "Down"
    if available == "Unknown":
        return "Unknown"
    return "Well" if all(said.get(kind, "Unknown") == good for kind, good in GOOD.items()) else "Look"


def worst(levels: Iterable[Level]) -> Level:
    """Without a pool nobody knows."""
    return max(levels, key=BY_GRAVITY.index, default="Unknown")
