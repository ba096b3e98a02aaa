"""What a probe's Pod finds in its file system, made for a test; and runs of the prober over it."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from poolkeeper.api.endpoint import Pricing, Provider
from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc, SpentDoc
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.router_document import Credential, EgressProxy, ModelRoute, Tls
from poolkeeper.clock import now
from poolkeeper.prober.files import Files
from poolkeeper.prober.run import run
from poolkeeper.probing.reason_effects import reason_named
from poolkeeper.probing.window import ProbeStatus, Run, probe_status_of

MODEL = "deepseek-flash"


class Serves(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def port(self) -> int: ...


def endpoint(
    fake: Serves,
    *,
    key: bool = False,
    tls: Tls | None = None,
    provider: Provider = "DeepSeek",
    pricing: Pricing | None = None,
    proxy: EgressProxy | None = None,
    host: str = "127.0.0.1",
    models: Sequence[str] = (MODEL,),
) -> ProbedEndpointDoc:
    return ProbedEndpointDoc(
        name=fake.name,
        fingerprint="0123abcd",
        provider=provider,
        scheme="https" if tls else "http",
        host=host,
        port=fake.port,
        path="/v1",
        tls=tls,
        credential=Credential(file=fake.name, source="") if key else None,
        egress_proxy=proxy,
        models=tuple(ModelRoute(name=name, upstream_name=name) for name in models),
        pricing=pricing,
    )


@dataclass
class Pod:
    """One pool's probe. The limits are those that make a test quick."""

    root: Path
    endpoints: Sequence[ProbedEndpointDoc]
    requests_per_run: int = 1
    first_token_ms: int = 200
    min_tokens_per_second: int = 50
    daily_budget: str = "0.50"
    spent: SpentDoc | None = None
    allow_loopback: bool = True
    keys: dict[str, str] = field(default_factory=dict)
    samples: str = ""
    authority: Path | None = None

    def write(self) -> Files:
        document = ProbeDoc(
            pool="default/chat",
            schedule="*/15 * * * *",
            allow_loopback=self.allow_loopback,
            requests_per_run=self.requests_per_run,
            max_tokens=64,
            first_token_ms=self.first_token_ms,
            min_tokens_per_second=self.min_tokens_per_second,
            daily_budget=self.daily_budget,
            spent=self.spent,
            endpoints=tuple(self.endpoints),
        )
        files = {"config/probe.json": document.model_dump_json(by_alias=True)}
        files |= {f"credentials/{name}": key for name, key in self.keys.items()}
        files |= {"samples/samples.jsonl": self.samples} if self.samples else {}
        files |= {"ca/ca.crt": self.authority.read_text()} if self.authority else {}
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Files(self.root)

    def run(self, limit_s: float = 60.0, first: int = 0) -> ProbeResult:
        nonces = itertools.count()
        return asyncio.run(run(self.write(), now, lambda: f"nonce-{next(nonces)}", first, limit_s))

    def one(self) -> EndpointProbe:
        (found,) = self.run().endpoints
        return found


def probe_status(*results: EndpointProbe) -> ProbeStatus:
    """After these runs, the oldest first."""
    said, runs = ProbeStatus(), list[Run]()
    for result in results:
        runs.insert(0, Run(reason_named(result.why), result.bad, result.asked))
        said = probe_status_of(said, runs)
    return said
