"""kopf, on a thread and a loop of its own: it lists and watches, and starts watches again (docs/adr/0004).

What it asks goes through WatchSession, which passes what lists and events say to our loop. Nothing of ours waits for
it: a kopf that hangs, or ends, is noticed from outside and left behind. It writes nothing: no annotation, no finalizer,
no Event.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import kopf
from aiohttp.connector import AddrInfoType

from poolkeeper.api import labels
from poolkeeper.errors import RetryLater
from poolkeeper.handlers.watch.answers import Changed, Listed, Place
from poolkeeper.handlers.watch.own_loop import OwnLoop
from poolkeeper.handlers.watch.session import WatchSession
from poolkeeper.handlers.watch.streams import Patience, Stream, Watching, in_words, oldest_s, watching
from poolkeeper.kube.client import RESOURCES, Cluster
from poolkeeper.kube.store import CHILD_KINDS, LINK_KINDS, Seen

SELECTORS: Mapping[str, str] = {
    "EndpointPool": "",
    "FailoverPolicy": "",
    **dict.fromkeys((*CHILD_KINDS, *LINK_KINDS, "Pod"), labels.POOL),
}
"""The kinds watched, and which objects of each the server should send: only those that carry a pool's label."""
LOOK_S = 0.5
PATIENCE = Patience()
KEEPALIVE_S = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 2}
"""A network that drops everything ends a watch within 7 s. Some systems lack some of these."""
KOPF_WAITS_S = 3600.0
"""For what kopf would time by itself: WatchSession does."""


class Listener(Protocol):
    """On our own loop, in the order of the API server's answers for each kind."""

    def listed(self, place: Place, found: Listed) -> None:
        """All there is."""

    def changed(self, seen: Seen, gone: bool) -> None: ...


@dataclass(frozen=True)
class Wanted:
    """namespaces: none for all. gives_up: does it end when nothing at all can be watched? One that another may replace
    does."""

    namespaces: tuple[str, ...]
    gives_up: Callable[[], bool]
    patience: Patience = PATIENCE
    kinds: tuple[str, ...] = tuple(SELECTORS)


class Watches:
    def __init__(self, cluster: Cluster, wanted: Wanted, listener: Listener) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._listener = listener
        self.streams: dict[Place, Stream] = {}

    def look(self) -> Watching:
        return watching(list(self.streams.values()), time.monotonic(), self._wanted.patience)

    def age_s(self, kind: str) -> float:
        return oldest_s(list(self.streams.values()), kind, time.monotonic())

    async def run(self) -> None:
        """Until it must end: RetryLater says why."""
        now_s = time.monotonic()
        places = [
            Place(kind, namespace) for kind in self._wanted.kinds for namespace in self._wanted.namespaces or ("",)
        ]
        self.streams = {place: Stream(place, now_s, now_s) for place in places}
        ours = asyncio.get_running_loop()
        kopfs = OwnLoop("kopf", lambda: self._kopf(ours))
        try:
            await self._supervise(kopfs)
        finally:
            kopfs.stop()

    async def _supervise(self, kopfs: OwnLoop) -> None:
        hopeless_since_s = None
        while True:
            await asyncio.sleep(LOOK_S)
            now_s, seen = time.monotonic(), self.look()
            if kopfs.ended or seen.is_dead:
                raise RetryLater(f"watching has ended: {kopfs.ended or '; '.join(in_words(seen.problems))}")
            hopeless_since_s = (hopeless_since_s or now_s) if seen.is_hopeless else None
            hopeless_s = now_s - hopeless_since_s if hopeless_since_s else 0.0
            if self._wanted.gives_up() and hopeless_s > self._wanted.patience.hopeless_s:
                raise RetryLater(
                    f"nothing can be watched for {hopeless_s:.0f} s: {'; '.join(in_words(seen.problems)[:3])}"
                )

    async def _kopf(self, ours: asyncio.AbstractEventLoop) -> None:
        """On kopf's loop. ours: where the listener lives."""

        def on_ours(call: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # our loop is closed: we are ending
                ours.call_soon_threadsafe(call)

        def listed(place: Place, found: Listed) -> None:
            on_ours(lambda: self._listener.listed(place, found))

        def changed(what: Changed) -> None:
            on_ours(lambda: self._listener.changed(what.seen, what.is_gone))

        async def login(**_: object) -> kopf.AiohttpSession:
            session = WatchSession(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0, ssl=self._cluster.tls(), socket_factory=_socket),
                    read_bufsize=1 << 21,
                ),
                self._cluster.headers,
                self.streams,
                self._wanted.kinds,
                listed,
                changed,
                self._wanted.patience,
            )
            # As much of an aiohttp.ClientSession as kopf uses.
            return kopf.AiohttpSession(server=self._cluster.server, aiohttp_session=session)  # type: ignore[arg-type]

        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(login)
        for kind in self._wanted.kinds:
            _listen(registry, kind)
        await kopf.operator(
            registry=registry,
            settings=_settings(self._wanted.patience),
            standalone=True,
            # Else kopf asks for the user's name, which a bare numeric UID has not. A NewType that it keeps to itself.
            identity="poolkeeper",  # type: ignore[arg-type]
            clusterwide=not self._wanted.namespaces,
            namespaces=self._wanted.namespaces,
        )


def _settings(patience: Patience) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    # kopf passes it on as it is written, and the API server takes whole seconds only.
    settings.watching.server_timeout = int(patience.watch_s) or patience.watch_s
    settings.watching.inactivity_timeout = KOPF_WAITS_S
    settings.networking.error_backoffs = ()
    for kind, selector in SELECTORS.items():
        if selector:
            settings.watching.label_selectors[RESOURCES[kind].api_version, RESOURCES[kind].plural] = selector
    return settings


def _listen(registry: kopf.OperatorRegistry, kind: str) -> None:
    """So that kopf watches the kind. WatchSession gives it no event to be called with."""

    async def changed(**_: object) -> None:
        raise AssertionError("kopf has got an event; WatchSession never gives it one")

    resource = RESOURCES[kind]
    kopf.on.event(resource.api_version, resource.plural, registry=registry, id=f"{kind}-changed")(changed)


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE_S.items():
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
