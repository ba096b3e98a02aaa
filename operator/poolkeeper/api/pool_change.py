"""One thing that changed at a pool, for people: when, what, and who did it.

Text may come from outside (Events, names of field managers), so it is bounded and safe for a terminal.
"""

from typing import Literal

from pydantic import ConfigDict

from poolkeeper.api.base import Model
from poolkeeper.api.foreign_values import Instant, Line, Name

ChangeKind = Literal["Spec", "Policy", "Secret", "RollOut", "Restart", "Breaker", "Event"]


class PoolChange(Model):
    """by: who did it or reports it; "": nobody says. is_warning: as the Event's type says."""

    model_config = ConfigDict(extra="ignore")

    at: Instant
    kind: ChangeKind
    message: Line
    by: Name = ""
    is_warning: bool = False
