"""One line of a router's request log (router/lua/core/log/line.lua): who asked for what, and every attempt at it.

A field that is not known is ignored: a router one version ahead may say more.
"""

from pydantic import ConfigDict, Field

from poolkeeper.api.base import Model
from poolkeeper.api.foreign_values import Line, Name


class _Read(Model):
    model_config = ConfigDict(extra="ignore")


class Tokens(_Read):
    """cached_input is a part of input, reasoning of output."""

    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0


class AttemptLine(_Read):
    """class_: why it failed. kind: what its tokens were spent on. start_ms: after the request's start. provider_name:
    OpenTelemetry's gen_ai.provider.name. provider: who answered, as an aggregator says."""

    endpoint: Name = ""
    tier: int = 0
    provider_name: Name = ""
    provider_model: Line = ""
    span: Name = ""
    start_ms: int = 0
    duration_ms: int = 0
    first_token_ms: int | None = None
    status: int | None = None
    class_: Name = Field(default="", alias="class")
    kind: Name = ""
    tokens: Tokens | None = None
    estimated: bool = False
    cost: float | None = None
    currency: Name = ""
    answered_by: Line = ""
    fingerprint: Line = ""
    provider: Line = ""


class RequestLine(_Read):
    """sampled: False when the caller's trace context says that it is not recorded."""

    time: Line
    request: Line
    trace: Name = ""
    span: Name = ""
    parent: Name = ""
    sampled: bool = True
    pool: Line = ""
    generation: int = 0
    client: Name = ""
    api: Name = ""
    model: Line = ""
    stream: bool = False
    status: int = 0
    outcome: Name = ""
    duration_ms: int = 0
    first_token_ms: int | None = None
    queued_ms: int = 0
    fallback: Name = ""
    repaired: Name = ""
    trimmed_turns: int = 0
    continued: Name = ""
    attempts: tuple[AttemptLine, ...] = ()
