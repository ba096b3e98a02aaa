"""Whatever happens around a cold standby: outages, people, other pools, autoscalers, silence, and an operator that
starts again or acts on what is no longer so. The Deployment here says nobody who scaled it, as the API server's."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from factories import NOW, OFFICIAL, endpoint, pool
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.status import StandbyStatus
from poolkeeper.plan.snapshot import LiveScale
from poolkeeper.status.cold_standby import RAN, Need, ScaleOrder, Situation, StandbyFact, decide

WAKE_AFTER, COOL_DOWN = timedelta(seconds=10), timedelta(seconds=60)
LOCAL = endpoint("local", tier=1, standby={"deploymentRef": {"name": "llama"}, "wakeAfter": "10s", "coolDown": "1m"})
DECLARED: Endpoint = pool([OFFICIAL, LOCAL]).spec.endpoints[1]
assert DECLARED.standby
STANDBY = DECLARED.standby


OURS = "this pool"
AT_FIRST = LiveScale(replicas=0, ready_replicas=0, version="1")


@dataclass
class World:
    now: datetime = NOW
    scale: LiveScale = AT_FIRST
    set_by: str = "who made it"
    dark_since: datetime | None = None
    light_since: datetime = NOW
    heard: bool = True
    in_flight: int = 0
    published: StandbyStatus | None = None
    wakes: int = 0
    is_lost: bool = False
    """Somebody scaled it to zero before anybody looked, or the status was lost: then nothing says that it ran."""
    problems: list[str] = field(default_factory=list)

    def set_replicas(self, replicas: int, who: str) -> None:
        ready = min(self.scale.ready_replicas, replicas)
        version = str(int(self.scale.version) + 1)
        self.set_by = who if replicas != self.scale.replicas else self.set_by
        self.scale = replace(self.scale, replicas=replicas, ready_replicas=ready, version=version)

    def situation(self) -> Situation:
        need = Need(self.dark_since is not None, self.dark_since) if self.heard else Need(None)
        is_drained = self.published is not None and self.published.state in ("Draining", "Asleep")
        in_flight = self.in_flight if self.heard and is_drained else None
        return Situation("default", DECLARED.tier, STANDBY, self.scale, need, self.published, in_flight, self.now)

    def look(self) -> StandbyFact:
        before, found = self.published, decide(self.situation())
        if found.order and (before is None or before.replicas != (found.order.replicas or self.scale.replicas)):
            self.problems.append("scaled before the status said so")
        if found.replicas and self.scale.replicas and self.set_by != OURS:
            self.problems.append(f"took for its own what {self.set_by} set")
        self.publish(found)
        return found

    def publish(self, found: StandbyFact) -> None:
        self.published = StandbyStatus(
            state=found.state,
            since=found.since,
            deployment=found.deployment,
            replicas=found.replicas,
            message=found.message,
        )

    def act(self, order: ScaleOrder | None) -> None:
        if order is None or order.version != self.scale.version:
            return  # refused: it is no longer what was seen
        if self.scale.autoscaler:
            self.problems.append("scaled what an autoscaler scales")
        if order.replicas:
            self._wake()
        else:
            self._sleep()
        self.set_replicas(order.replicas, OURS)

    def _wake(self) -> None:
        self.wakes += 1
        if self.dark_since is None or self.now - self.dark_since < WAKE_AFTER:
            self.problems.append("woken without need")
        if self.wakes > 1 and not self.is_lost:
            self.problems.append("woken twice in an outage")

    def _sleep(self) -> None:
        if self.set_by != OURS:
            self.problems.append(f"scaled back what {self.set_by} set")
        if self.dark_since is not None or self.now - self.light_since < COOL_DOWN:
            self.problems.append("scaled back while it may be needed")
        if self.in_flight and self.scale.ready_replicas:
            self.problems.append("scaled back under requests")


OURSELVES = ["look"] * 4 + ["see", "act", "silence", "hear", "lose the status"]
TRAFFIC = ["dark", "light", "ready", "ask", "end"]
OTHERS = ["kubectl 0", "kubectl 2", "pool 0", "pool 3", "hpa", "no hpa"]
"""None sets exactly the replicas that this pool would: those look the same."""
MOVES = st.sampled_from([*OURSELVES, *TRAFFIC, *OTHERS])


def woken() -> World:
    """In the middle of an outage."""
    world = World(dark_since=NOW, now=NOW + WAKE_AFTER)
    for _ in range(3):
        world.act(world.look().order)
        world.scale = replace(world.scale, ready_replicas=world.scale.replicas)
    return world


@given(st.booleans(), st.lists(st.tuples(MOVES, st.sampled_from([0, 1, 9, 30, 90])), max_size=60))
def test_a_standby_is_nobodys_but_who_woke_it(is_awake: bool, moves: list[tuple[str, int]]) -> None:
    world, late = woken() if is_awake else World(), None
    for move, seconds in moves:
        world.now += timedelta(seconds=seconds)
        match move.split():
            case ["look"]:
                world.act(world.look().order)
            case ["see"]:  # and dies, or hangs, before it acts
                late = world.look().order
            case ["act"]:
                if late and late.replicas and world.dark_since:
                    world.act(late)
            case ["dark"] if world.dark_since is None:
                world.dark_since, world.wakes, world.is_lost = world.now, 0, False
            case ["light"] if world.dark_since is not None:
                world.dark_since, world.light_since = None, world.now
            case ["ready"]:
                world.scale = replace(world.scale, ready_replicas=world.scale.replicas)
            case ["ask"] if world.published and world.published.state in ("Awake", "CoolingDown"):
                world.in_flight += 1
            case ["end"]:
                world.in_flight = 0
            case ["silence" | "hear"]:
                world.heard = move == "hear"
            case ["hpa"]:
                world.scale = replace(world.scale, autoscaler="HorizontalPodAutoscaler theirs")
            case ["no", "hpa"]:
                world.scale = replace(world.scale, autoscaler="")
            case ["lose", *_]:
                world.published, world.is_lost = None, True
            case [who, replicas] if replicas.isdecimal():
                ran = world.published is not None and world.published.state in RAN
                world.is_lost = world.is_lost or (world.scale.replicas > 0 and not ran)
                world.set_replicas(int(replicas), who)
            case _:
                pass
    assert world.problems == []


FATES = st.sampled_from(["lives"] * 3 + ["dies before it says so", "dies before it scales"])


@given(st.integers(0, 100), st.integers(1, 30), st.lists(FATES, max_size=20))
def test_left_to_itself_it_is_woken_serves_and_sleeps_again(outage_s: int, every_s: int, fates: list[str]) -> None:
    """Wherever the operator is killed. fates: of the first looks."""
    world, lost_s = World(dark_since=NOW), every_s * sum(fate != "lives" for fate in fates)
    seen = set()
    for second in range(0, outage_s + 300 + lost_s, every_s):
        world.now = NOW + timedelta(seconds=second)
        if second >= outage_s and world.dark_since:
            world.dark_since, world.light_since = None, world.now
        fate, before = fates.pop(0) if fates else "lives", world.published
        order = world.look().order
        if fate == "dies before it says so":
            world.published = before
        elif fate == "lives":
            world.act(order)
        world.scale = replace(world.scale, ready_replicas=world.scale.replicas)
        if world.published is not None:
            seen.add(world.published.state)

    assert world.problems == []
    assert world.scale.replicas == 0
    assert world.published is not None
    assert world.published.state == "Asleep"
    if outage_s > 10 + 3 * every_s + lost_s:
        assert {"Awake", "CoolingDown", "Draining", "Asleep"} <= seen
