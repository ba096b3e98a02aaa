"""Model names that providers have ended: for `poolkeeper validate`, which warns of them.

From what providers say (https://api-docs.deepseek.com: deepseek-chat, deepseek-reasoner until 2026-07-24 15:59 UTC).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType


@dataclass(frozen=True)
class Ended:
    """host: of the provider's own API; others may keep the name."""

    host: str
    on: date
    successor: str


_DEEPSEEK, _DAY = "api.deepseek.com", date(2026, 7, 24)

ENDED: Mapping[str, Ended] = MappingProxyType(
    {
        "deepseek-chat": Ended(_DEEPSEEK, _DAY, "deepseek-flash, with thinking off"),
        "deepseek-reasoner": Ended(_DEEPSEEK, _DAY, "deepseek-flash"),
    }
)


def ended(host: str, upstream_name: str) -> Ended | None:
    found = ENDED.get(upstream_name)
    return found if found and found.host == host else None
