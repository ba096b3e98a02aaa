"""kopf, and all that we take from it: listing, watching, and starting watches again (docs/adr/0004-kopf-as-shell.md).

The handlers only pass on what they hear. An index function runs for every object listed, and no event handler runs
before every kind is listed in full: so whoever is told of a change finds the whole store filled. kopf writes nothing
here: no annotation, no finalizer, no Event.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Protocol

import aiohttp
import kopf

from poolkeeper.api import labels
from poolkeeper.errors import RetryLater
from poolkeeper.kube.client import RESOURCES, Cluster
from poolkeeper.kube.store import CHILD_KINDS

SELECTORS: Mapping[str, str] = {
    "EndpointPool": "",
    "FailoverPolicy": "",
    **dict.fromkeys((*CHILD_KINDS, "Pod"), labels.POOL),
}
"""The kinds watched, and which objects of each the server should send: only those that carry a pool's label."""

SERVER_TIMEOUT_S = 60
"""A watch is opened anew so often, which shows that it can be. A whole number: kopf passes it on as it is written."""
CLIENT_TIMEOUT_S = 75.0
CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 30.0


class Listener(Protocol):
    def found(self, kind: str, body: Mapping[str, object]) -> None:
        """An object as it is. At the start, nothing may be decided yet: others of its kind may still be unknown."""

    def changed(self, kind: str, body: Mapping[str, object], gone: bool) -> None:
        """The same object again, once everything that was there at the start is known."""


@dataclass
class Moves:
    """When the watch of each kind last tried to be open, and when it last was opened or told something (monotonic)."""

    tried_s: dict[str, float] = field(default_factory=dict)
    heard_s: dict[str, float] = field(default_factory=dict)

    def start(self, now_s: float) -> None:
        self.tried_s = dict.fromkeys(SELECTORS, now_s)
        self.heard_s = dict.fromkeys(SELECTORS, now_s)

    def trying(self, kind: str, now_s: float) -> None:
        self.tried_s[kind] = now_s

    def hearing(self, kind: str, now_s: float) -> None:
        self.tried_s[kind] = now_s
        self.heard_s[kind] = now_s

    def age(self, kind: str) -> Callable[[], float]:
        """Seconds since it was heard, for a metric."""
        return lambda: time.monotonic() - self.heard_s[kind] if kind in self.heard_s else 0.0


async def watch(cluster: Cluster, namespaces: Sequence[str], listener: Listener, moves: Moves) -> None:
    """Run until SIGTERM or SIGINT. namespaces: none for all.

    kopf mends what it can by itself; what ends it (no permission, a kind removed) is told once and ends the process.
    """
    moves.start(time.monotonic())
    try:
        await kopf.operator(
            registry=_registry(cluster, listener, moves),
            settings=_settings(),
            standalone=True,
            # Else kopf asks for the user's name, which a bare numeric UID has not. A NewType that it keeps to itself.
            identity="poolkeeper",  # type: ignore[arg-type]
            clusterwide=not namespaces,
            namespaces=namespaces,
        )
    except Exception as error:
        raise RetryLater(f"watching has ended: {error}") from error


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = SERVER_TIMEOUT_S
    settings.watching.client_timeout = CLIENT_TIMEOUT_S
    settings.watching.connect_timeout = CONNECT_TIMEOUT_S
    settings.networking.request_timeout = REQUEST_TIMEOUT_S
    settings.networking.enforce_retry_after = True
    for kind, selector in SELECTORS.items():
        if selector:
            settings.watching.label_selectors[RESOURCES[kind].api_version, RESOURCES[kind].plural] = selector
    return settings


def _registry(cluster: Cluster, listener: Listener, moves: Moves) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    async def login(**_: object) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=cluster.server, aiohttp_session=await _session(cluster, moves))

    kopf.on.login(registry=registry)(login)
    for kind in SELECTORS:
        _listen(registry, kind, listener, moves)
    return registry


def _listen(registry: kopf.OperatorRegistry, kind: str, listener: Listener, moves: Moves) -> None:
    async def found(*, body: Mapping[str, object], **_: object) -> None:
        listener.found(kind, body)

    async def changed(*, event: Mapping[str, object], body: Mapping[str, object], **_: object) -> None:
        moves.hearing(kind, time.monotonic())
        listener.changed(kind, body, gone=event["type"] == "DELETED")

    resource = RESOURCES[kind]
    kopf.index(resource.api_version, resource.plural, registry=registry, id=f"{kind}-found")(found)
    kopf.on.event(resource.api_version, resource.plural, registry=registry, id=f"{kind}-changed")(changed)


async def _session(cluster: Cluster, moves: Moves) -> aiohttp.ClientSession:
    """Like kopf's own, logged in as everything else here is, and telling when a watch is opened.

    Bookmarks do not reach a handler, so that a quiet watch is alive shows in its being opened anew.
    """
    kinds = {resource.plural: kind for kind, resource in RESOURCES.items() if kind in SELECTORS}
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_on_request(kinds, moves.trying))
    trace.on_request_end.append(_on_request(kinds, moves.hearing))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=cluster.tls()),
        headers=await cluster.headers(),
        trace_configs=[trace],
        read_bufsize=1 << 21,
    )


Trace = Callable[
    [aiohttp.ClientSession, SimpleNamespace, aiohttp.TraceRequestStartParams | aiohttp.TraceRequestEndParams],
    Awaitable[None],
]


def _on_request(kinds: Mapping[str, str], tell: Callable[[str, float], None]) -> Trace:
    async def traced(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        request: aiohttp.TraceRequestStartParams | aiohttp.TraceRequestEndParams,
    ) -> None:
        kind = kinds.get(request.url.name)
        if kind:
            tell(kind, time.monotonic())

    return traced
