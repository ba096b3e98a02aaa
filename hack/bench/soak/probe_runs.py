"""Runs of the real prober, one after the other, each folded into the memory of those before as an operator does it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc
from poolkeeper.api.probe_result import EndpointProbe, ProbePhases
from poolkeeper.api.router_document import ModelRoute
from poolkeeper.api.status import LastProbe, ProbedEndpoint
from poolkeeper.prober.files import DOCUMENT, Files
from poolkeeper.prober.run import run
from poolkeeper.probing.history import fold_all

SCHEDULE, APART = "*/15 * * * *", timedelta(minutes=15)
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Target:
    """One endpoint on this machine, and what is asked of it."""

    port: int
    model: str
    provider: Provider = "LlamaCpp"
    max_tokens: int = 64
    first_token_ms: int = 5000
    min_tokens_per_second: int = 5


@dataclass(frozen=True)
class Seen:
    """One run: what it found, and what is remembered after it."""

    found: EndpointProbe
    remembered: ProbedEndpoint

    @property
    def phases(self) -> ProbePhases:
        return self.found.phases or ProbePhases()


class History:
    """Of one endpoint; the runs are a quarter of an hour apart, by the clock that the prober gets."""

    def __init__(self, folder: Path) -> None:
        self._files = Files(folder)
        self._document = folder / "config" / DOCUMENT
        self._document.parent.mkdir(parents=True)
        self._last: LastProbe | None = None
        self._number = 0

    async def run(self, target: Target) -> Seen:
        self._document.write_text(_document(target).model_dump_json(by_alias=True))
        self._number += 1
        at = START + self._number * APART
        result = await run(self._files, lambda: at, lambda: secrets.token_hex(8), self._number)
        self._last = fold_all(self._last, [result])
        if self._last is None:
            raise AssertionError("a run that is not remembered")
        return Seen(result.endpoints[0], self._last.endpoints[0])


def _document(target: Target) -> ProbeDoc:
    way = ProbedEndpointDoc(
        name="local",
        fingerprint="soak",
        provider=target.provider,
        scheme="http",
        host="127.0.0.1",
        port=target.port,
        path="/v1",
        models=(ModelRoute(name=target.model, upstream_name=target.model),),
    )
    return ProbeDoc(
        pool="default/soak",
        schedule=SCHEDULE,
        allow_loopback=True,
        requests_per_run=1,
        max_tokens=target.max_tokens,
        first_token_ms=target.first_token_ms,
        min_tokens_per_second=target.min_tokens_per_second,
        daily_budget="0",
        endpoints=(way,),
    )
