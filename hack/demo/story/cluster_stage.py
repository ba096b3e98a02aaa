"""The stage of `make up`: the demo pool on a Kubernetes, its provider switched through the API server's proxy."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from openai import OpenAI

from hack.demo.story.patience import wait_until
from hack.demo.story.script import Stage, console, heading
from poolkeeper.api.status import EndpointPoolStatus
from testing.cluster_bed import Bed, Kubectl

POOL = "chat"


@dataclass
class ClusterStage:
    """seen: the Events that were shown already."""

    bed: Bed
    client: OpenAI
    backup: str = "local"
    key: str = ""
    seen: set[str] = field(default_factory=set)

    def play(self, scenario: str) -> None:
        self.bed.play("official", scenario)

    def reject_key(self) -> None:
        self.key = f"sk-demo-{uuid4().hex[:8]}"
        self.bed.accept_keys("official", self.key)

    def give_new_key(self) -> None:
        self.bed.write_key("deepseek", "api-key", self.key)

    def status(self) -> EndpointPoolStatus | None:
        found = self.bed.pool(POOL).get("status")
        return EndpointPoolStatus.model_validate(found) if found else None

    def show_status(self) -> None:
        console.print("[dim]$ kubectl get epool[/]")
        console.print(self.bed.kubectl("-n", self.bed.namespace, "get", "epool", POOL).stdout, end="", markup=False)

    def messages(self) -> Iterable[str]:
        events = self.bed.get("events", "--field-selector", f"involvedObject.name={POOL}")["items"]
        for event in events:
            if event["metadata"]["uid"] not in self.seen:
                self.seen.add(event["metadata"]["uid"])
                yield f"{event['reason']:18} {event['message']}"


@contextmanager
def on_a_cluster(env: dict[str, str], namespace: str) -> Iterator[Stage]:
    bed = Bed(Kubectl(env), namespace)
    heading("The operator brings the pool up")
    took_s = wait_until("the pool is Ready and Available", lambda: _serves(bed), limit_s=180)
    console.print(f"  [green]Ready and Available[/] [dim](after {took_s:.0f} s here)[/]")
    _as_new(bed)
    bed.warm_up("local")
    with bed.reach(f"{POOL}-router", 80) as address:
        console.print(f"  base URL for any OpenAI client: http://{address}/v1")
        with OpenAI(base_url=f"http://{address}/v1", api_key="unused", max_retries=0, timeout=90) as client:
            stage = ClusterStage(bed, client)
            list(stage.messages())
            yield stage


def _serves(bed: Bed) -> bool:
    return bed.condition("Ready")[0] == "True" and bed.condition("Available")[0] == "True"


def _as_new(bed: Bed) -> None:
    """An earlier story may have left the provider with another scenario, and another key."""
    bed.play("official", "ok")
    bed.accept_keys("official", bed.read_key("deepseek", "api-key"))
