"""One operator works, the others wait: leader election by a Lease of coordination.k8s.io.

The rules are client-go's. A holder renews every RETRY_S; who could not renew for RENEW_DEADLINE_S stops working before
others, who wait DURATION_S since they last saw a renewal on their own clock, may start. Time on two machines is never
compared. A process that ends on purpose releases the Lease, so a roll-out does not wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from poolkeeper.api.labels import FIELD_MANAGER
from poolkeeper.errors import PoolkeeperError, RetryLater
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json, mapping, number, text

DURATION_S = 15.0
RENEW_DEADLINE_S = 10.0
RETRY_S = 2.0
WAIT_S = 1.0
"""Who waits looks more often, so that a Lease that is given up is taken at once."""


@dataclass(frozen=True)
class Seen:
    """The Lease's record as last seen to change, and when on our own clock."""

    record: tuple[str, str]
    at_s: float


def is_free(lease: Json | None, identity: str, seen: Seen | None, now_s: float) -> bool:
    """May we write ourselves into it?"""
    holder = text(lease, "spec", "holderIdentity")
    if not holder or holder == identity:
        return True
    duration_s = number(lease, "spec", "leaseDurationSeconds") or DURATION_S
    return seen is not None and seen.record == record(lease) and now_s - seen.at_s > duration_s


def record(lease: Json | None) -> tuple[str, str]:
    return text(lease, "spec", "holderIdentity"), text(lease, "spec", "renewTime")


class Lease:
    """now: wall clock, for the record only; monotonic_s: what decides. changed_hands: called with how often it has."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        name: str,
        identity: str,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        changed_hands: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._now = now
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._changed_hands = changed_hands
        self._seen: Seen | None = None
        self._held: Json | None = None

    async def acquire(self, waits: Callable[[str], None], unfit: Callable[[], str] = lambda: "") -> None:
        """Wait until the Lease is ours. waits: called once for each reason why it is not ours yet. unfit: why we should
        not have it now, though it may be free; "" when we may."""
        last = ""
        while True:
            why = unfit() or await self._why_not_ours()
            if not why:
                return
            if why != last:
                waits(why)
            last = why
            await self._sleep(WAIT_S)

    async def _why_not_ours(self) -> str:
        try:
            holder = await self._try()
        except PoolkeeperError as error:
            return str(error)
        return f"waiting for the Lease {self._namespace}/{self._name}, held by {holder}" if holder else ""

    async def hold(self) -> str:
        """Keep renewing; returns why the Lease is lost. The caller must stop working at once then."""
        renewed_s = self._monotonic_s()
        while True:
            await self._sleep(RETRY_S)
            left_s = renewed_s + RENEW_DEADLINE_S - self._monotonic_s()
            try:
                async with asyncio.timeout(left_s):
                    holder = await self._try()
            except (PoolkeeperError, TimeoutError) as error:
                if left_s > RETRY_S:
                    continue
                why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
                return f"the Lease {self._namespace}/{self._name} was not renewed for {RENEW_DEADLINE_S:.0f} s: {why}"
            if holder:
                return f"the Lease {self._namespace}/{self._name} was taken by {holder}"
            renewed_s = self._monotonic_s()

    async def release(self) -> None:
        """Let the next one start at once. Only for a holder that has stopped working."""
        if self._held is None:
            return
        try:
            await self._api.replace(self._body(holder="", duration_s=1.0))
        except RetryLater:  # a renewal that was cut short has arrived: what we hold is newer than we know
            self._held = await self._api.get("Lease", self._namespace, self._name)
            if text(self._held, "spec", "holderIdentity") == self._identity:
                await self._api.replace(self._body(holder="", duration_s=1.0))
        self._held = None

    async def _try(self) -> str:
        """Take or renew the Lease; returns who else holds it, or "" when we do."""
        lease = await self._api.get("Lease", self._namespace, self._name)
        self._changed_hands(int(number(lease, "spec", "leaseTransitions")))
        if self._seen is None or self._seen.record != record(lease):
            self._seen = Seen(record(lease), self._monotonic_s())
        if not is_free(lease, self._identity, self._seen, self._monotonic_s()):
            return text(lease, "spec", "holderIdentity")
        self._held = lease
        body = self._body(self._identity, DURATION_S)
        self._held = await (self._api.replace(body) if lease else self._api.create(body))
        return ""

    def _body(self, holder: str, duration_s: float) -> Json:
        """resourceVersion makes it a compare-and-swap: of two who try at once, one gets a conflict."""
        at = self._now().strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        before = mapping(self._held, "spec")
        changes_hands = before.get("holderIdentity") != self._identity
        version = text(self._held, "metadata", "resourceVersion")
        return {
            "apiVersion": RESOURCES["Lease"].api_version,
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER},
                **({"resourceVersion": version} if version else {}),
            },
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": int(duration_s),
                "acquireTime": at if changes_hands else before.get("acquireTime"),
                "renewTime": at,
                "leaseTransitions": number(before, "leaseTransitions") + int(changes_hands),
            },
        }
