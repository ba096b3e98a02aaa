"""What one run of the probe found: the whole contract from the prober back to the operator, at most 4 KiB of JSON.

It travels as the Pod's termination message. Only our own words and numbers are in it: nothing that an endpoint said.
Parsed leniently, as a router's /state is: the prober may be a version ahead.
"""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from poolkeeper.api.base import Model
from poolkeeper.api.probe_document import Amount

MOST_BYTES = 4096
"""What Kubernetes keeps of a termination message."""


class Told(Model):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class ProbePhases(Told):
    """The endpoint's last request of the run, phase by phase, in milliseconds. left out: not come to.

    addresses: how many its name has; unreachable: of them. alive: the first byte of the body. first: the first content.
    rate: tokens a second. certificate_ends: its last day. finish: a known reason to finish, or "other".
    """

    dns: int | None = None
    addresses: int | None = None
    unreachable: int | None = None
    tcp: int | None = None
    proxy: int | None = None
    tls: int | None = None
    certificate_ends: str | None = None
    headers: int | None = None
    alive: int | None = None
    first: int | None = None
    end: int | None = None
    rate: float | None = None
    status: int | None = None
    finish: str | None = None
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None


class EndpointProbe(Told):
    """One endpoint. why: a ProbeReason ("": good), found in bad of asked samples. asked 0: nothing can be said. well:
    the pool's models that were asked for, and answered well each time."""

    name: str = Field(max_length=63)
    fingerprint: str = Field(default="", max_length=64, alias="fp")
    why: str = Field(default="", max_length=64)
    bad: int = 0
    asked: int = 0
    well: tuple[Annotated[str, Field(max_length=128)], ...] = Field(default=(), max_length=64)
    phases: ProbePhases | None = None


class ProbeResult(Told):
    """One run. over_budget: it asked less than it should have, or nothing, because the day's budget is spent. note:
    what people should know, such as samples that cannot be used."""

    pool: str
    began: datetime
    ended: datetime
    over_budget: bool = False
    note: str = Field(default="", max_length=1024)
    cost: tuple[Amount, ...] = Field(default=(), max_length=32)
    endpoints: tuple[EndpointProbe, ...] = Field(default=(), max_length=32)
