"""One leads, one stands by: how long until an edit is applied after the leader ends, is killed, or stands still; and
whether the two ever write at the same time."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from testing.chaos.client import User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.faults import NO_FAULTS
from testing.chaos.history import CHILD, POOL, policy, pool
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy
from testing.waiting import until

NAMESPACE = "handover"
PATIENCE_S = 90.0
WAKES_AFTER_S = 5.0


@dataclass
class Handover:
    """seconds: by what happened to the leader, from then until an edit made in that moment is applied."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class _Replica:
    operator: Operator
    proxy: Proxy

    @property
    def leads(self) -> bool:
        return self.operator.metric("poolkeeper_leader") == 1

    @property
    def stands_by(self) -> bool:
        return "stands by" in self.operator.page("readyz")[1]

    def writes_since(self, at_s: float) -> list[str]:
        return [write.what for write in self.proxy.writes if write.at_s > at_s]


def handover(plane: ControlPlane, folder: Path, times: int) -> Handover:
    found = Handover()
    user = User(plane.url, plane.token)
    user.make_namespace(NAMESPACE)
    user.apply(policy(NAMESPACE, 2))
    user.apply(pool(NAMESPACE))
    options = ["--namespace", NAMESPACE, "--lease-namespace", NAMESPACE]
    with ExitStack() as stack:
        both: list[_Replica] = []
        for name in ("a", "b"):
            proxy = stack.enter_context(Proxy(plane.url, plane.token, NO_FAULTS))
            both.append(_Replica(Operator(folder / f"handover-{name}", proxy.url, options=options), proxy))
        leader, other = both
        try:
            leader.operator.start()
            until(lambda: leader.leads, "the first to lead", PATIENCE_S)
            for number in range(times):
                for what, does in ENDS.items():
                    other.operator.start()
                    until(lambda other=other: other.stands_by, "the other to stand by", PATIENCE_S)  # type: ignore[misc]
                    took_s = _once(user, leader, other, does, 2 + number % 2, found)
                    found.seconds.setdefault(what, []).append(took_s)
                    leader.operator.kill()
                    leader, other = other, leader
        finally:
            for replica in both:
                replica.operator.kill()
    user.close()
    return found


def _once(
    user: User, leader: _Replica, other: _Replica, does: Callable[[Operator], None], replicas: int, found: Handover
) -> float:
    _edit(user, 1)
    until(lambda: _replicas(user) == 1, "an edit to be applied by the leader", PATIENCE_S)
    began_s = time.monotonic()
    does(leader.operator)
    _edit(user, replicas)
    until(lambda: _replicas(user) == replicas, "the edit to be applied", PATIENCE_S)
    took_s = time.monotonic() - began_s
    if other.leads:
        _wake(leader, found)
    else:
        until(lambda: other.leads, "the other to lead", PATIENCE_S)
    return took_s


def _wake(leader: _Replica, found: Handover) -> None:
    """A leader that stood still goes on after another took over: it may write nothing."""
    process, at_s = leader.operator.process, time.monotonic()
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    time.sleep(WAKES_AFTER_S)
    found.wrong += [f"a leader that stood still has written: {what}" for what in leader.writes_since(at_s)]


def _edit(user: User, replicas: int) -> None:
    user.merge("EndpointPool", NAMESPACE, POOL, {"spec": {"router": {"replicas": replicas}}})


def _replicas(user: User) -> int:
    found = user.get("Deployment", NAMESPACE, CHILD) or {}
    return int(found.get("spec", {}).get("replicas", 0))


def _signal(number: signal.Signals) -> Callable[[Operator], None]:
    def send(operator: Operator) -> None:
        assert operator.process is not None
        operator.process.send_signal(number)

    return send


ENDS: dict[str, Callable[[Operator], None]] = {
    "SIGTERM": _signal(signal.SIGTERM),
    "kill -9": _signal(signal.SIGKILL),
    "SIGSTOP, and woken after": _signal(signal.SIGSTOP),
}
