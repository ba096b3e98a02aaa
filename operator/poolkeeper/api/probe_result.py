"""What one run of the probe found: the whole contract from the prober back to the operator, at most 4 KiB of JSON.

It travels as the Pod's termination message. Only our own words and numbers are in it: nothing that an endpoint said.
Parsed leniently, as a router's /state is: the prober may be a version ahead.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from poolkeeper.api.base import Model
from poolkeeper.api.foreign_values import Count, Figure, Instant, Line, Name
from poolkeeper.api.probe_document import Amount

MOST_BYTES = 4096
"""What Kubernetes keeps of a termination message."""


class Reported(Model):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class ProbePhases(Reported):
    """The endpoint's last request of the run, phase by phase, in milliseconds. left out: not come to.

    addresses: how many its name has; unreachable: of them. alive: the first byte of the body. first: the first content.
    rate: tokens a second. certificate_ends: to the minute, ISO 8601. finish: a known reason to finish, or "other".
    """

    dns: Count | None = None
    addresses: Count | None = None
    unreachable: Count | None = None
    tcp: Count | None = None
    proxy: Count | None = None
    tls: Count | None = None
    certificate_ends: Name | None = None
    headers: Count | None = None
    alive: Count | None = None
    first: Count | None = None
    end: Count | None = None
    rate: Figure | None = None
    status: Count | None = None
    finish: Name | None = None
    prompt: Count | None = None
    completion: Count | None = None
    cached: Count | None = None


class EndpointProbe(Reported):
    """One endpoint. why: a ProbeReason ("": good), found in bad of asked samples. asked 0: nothing can be said. well:
    the pool's models that were asked for, and answered well each time. keys: of several API keys, what each found, in
    the order of the spec; empty where none is at fault."""

    name: Name = Field(max_length=63)
    fingerprint: Name = Field(default="", max_length=64, alias="fp")
    why: Name = Field(default="", max_length=64)
    bad: Count = 0
    asked: Count = 0
    well: tuple[Annotated[Name, Field(max_length=128)], ...] = Field(default=(), max_length=64)
    keys: tuple[Annotated[Name, Field(max_length=64)], ...] = Field(default=(), max_length=16)
    phases: ProbePhases | None = None


class ProbeResult(Reported):
    """One run. over_budget: it asked less than it should have, or nothing, because the day's budget is spent. note:
    what people should know, such as samples that cannot be used."""

    pool: Name
    began: Instant
    ended: Instant
    over_budget: bool = False
    note: Line = Field(default="", max_length=1024)
    cost: tuple[Amount, ...] = Field(default=(), max_length=32)
    endpoints: tuple[EndpointProbe, ...] = Field(default=(), max_length=32)
