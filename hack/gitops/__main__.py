"""`make e2e-gitops`: what Argo CD makes of an operator, a policy and pools that are pushed, changed and removed.

Exit 1 at the first step that does not come. The timeline goes into docs/gitops.md.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.gitops.argo import NAMESPACE, RESYNC_S, ROOT, argo_cd
from hack.gitops.repo import Repo
from hack.site.page_part import with_part
from testing.cluster_bed import Json, Kubectl, cluster_environment, wait_until

OPERATOR, POOLS = "gitops-operator", "gitops-pools"
TEAM = f"pk-gitops-{os.getpid()}"  # a namespace of an earlier run may still be going: routers drain
SYSTEM = f"{TEAM}-system"
PAGE = ROOT / "docs/gitops.md"
BEGIN, END = "<!-- timeline: written by `make e2e-gitops` -->\n", "<!-- end of the timeline -->\n"
STEP_LIMIT_S = 180.0
STEADY_S = 3 * RESYNC_S
POLICY = """apiVersion: poolkeeper.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: quick}
spec: {retry: {maxAttempts: 3}}
"""


def pool(name: str, policy: str = "quick", model: str = "deepseek-flash") -> str:
    return f"""apiVersion: poolkeeper.dev/v1alpha1
kind: EndpointPool
metadata:
  name: {name}
  annotations: {{argocd.argoproj.io/sync-wave: "1"}}
spec:
  models: [{model}]
  failoverPolicyRef: {{name: {policy}}}
  probe: {{schedule: "0 3 * * *"}}
  endpoints:
  - {{name: official, provider: DeepSeek, url: "https://api.deepseek.com/v1", tier: 0}}
  - {{name: local, provider: VLLM, url: "http://vllm.example:8000/v1", tier: 1}}
"""


@dataclass
class Story:
    kubectl: Kubectl
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def seen(self, app: str) -> str:
        """`Synced Healthy`."""
        done = self.kubectl("-n", NAMESPACE, "get", "application", app, "-o", "json", check=False)
        status: Json = json.loads(done.stdout).get("status", {}) if done.returncode == 0 else {}
        return f"{status.get('sync', {}).get('status', '-')} {status.get('health', {}).get('status', '-')}"

    def step(self, what: str, do: Callable[[], object], holds: Callable[[], bool], want: str) -> None:
        began = time.monotonic()
        do()
        wait_until(f"{what}: {want}", lambda: holds() or None, timeout_s=STEP_LIMIT_S)
        self._row(what, want, f"{time.monotonic() - began:.0f} s")

    def stays(self, what: str, do: Callable[[], object], want: str) -> None:
        """Looked at again and again: an operator's own write would show as a difference."""
        do()
        until = time.monotonic() + STEADY_S
        while time.monotonic() < until:
            seen = self.seen(POOLS)
            if not seen.startswith(want):
                raise AssertionError(f"{what}: wanted {want} all the time, seen {seen}")
            time.sleep(0.5)
        self._row(what, f"{want}, all the time", f"{STEADY_S} s")

    def _row(self, *row: str) -> None:
        self.rows.append((row[0], row[1], row[2]))
        print("  {:<74} {:<34} {}".format(*row), flush=True)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that all that was made goes
    kubectl = Kubectl(cluster_environment())
    with TemporaryDirectory(prefix="poolkeeper-gitops-") as made, ExitStack() as stack:
        folder = Path(made)
        repo = Repo(folder / "repo")
        stack.enter_context(argo_cd(kubectl, folder))
        stack.callback(clear, kubectl)
        demo = ("kubectl", "-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper")
        stack.callback(
            kubectl, *demo[1:], "--replicas=1", check=False
        )  # an operator of `make up` watches all namespaces
        kubectl(*demo[1:], "--replicas=0", check=False)
        story = Story(kubectl)
        play(story, repo)
    write(story.rows)
    return 0


def play(story: Story, repo: Repo) -> None:
    kubectl = story.kubectl
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))

    def is_(app: str, want: str) -> Callable[[], bool]:
        return lambda: story.seen(app) == want

    def pushed(message: str, **files: str | None) -> Callable[[], None]:
        def push() -> None:
            repo.push(message, {f"pools/{name}.yaml": text for name, text in files.items()})
            # As a forge's webhook does; without one, Argo CD asks the repository every three minutes.
            kubectl("-n", NAMESPACE, "annotate", "application", POOLS, "argocd.argoproj.io/refresh=normal")

        return push

    def in_team(*words: str) -> subprocess.CompletedProcess[str]:
        return kubectl("-n", TEAM, *words, check=False)

    def field_of(name: str, path: str) -> str:
        return in_team("get", "epool", name, "-o", f"jsonpath={{{path}}}").stdout

    repo.push("the chart", chart_files())
    kubectl("create", "namespace", TEAM)
    apply(kubectl, application(OPERATOR, repo, "chart", SYSTEM, chart_values()))
    story.step("the chart is pushed", lambda: None, is_(OPERATOR, "Synced Healthy"), "Synced Healthy")

    repo.push("a policy and a pool", {"pools/policy.yaml": POLICY, "pools/chat.yaml": pool("chat")})
    apply(kubectl, application(POOLS, repo, "pools", TEAM))
    story.step("a policy and a pool are pushed", lambda: None, is_(POOLS, "Synced Healthy"), "Synced Healthy")
    story.stays("nothing happens", lambda: None, "Synced Healthy")

    missing = pushed("another policy", chat=pool("chat", policy="strict"))
    story.step("the pool names a policy that does not exist", missing, is_(POOLS, "Synced Degraded"), "Synced Degraded")
    back = pushed("back", chat=pool("chat"))
    story.step("that is reverted", back, is_(POOLS, "Synced Healthy"), "Synced Healthy")

    def change_by_hand() -> None:
        in_team("patch", "epool", "chat", "--type=merge", "-p", '{"spec": {"models": ["by-hand"]}}')

    def is_healed() -> bool:
        return "deepseek-flash" in field_of("chat", ".spec.models") and story.seen(POOLS) == "Synced Healthy"

    def delete_child() -> None:
        in_team("delete", "service", "chat-router")

    def is_back() -> bool:
        return in_team("get", "service", "chat-router").returncode == 0 and story.seen(POOLS) == "Synced Healthy"

    def control_by_hand() -> None:
        for annotation in ("failover-to=1", "drain-official=true"):
            in_team("annotate", "epool", "chat", f"poolkeeper.dev/{annotation}")
        in_team("scale", "epool", "chat", "--replicas=1")

    def pause(how: str) -> Callable[[], object]:
        return lambda: in_team("annotate", "epool", "chat", f"poolkeeper.dev/paused{how}")

    def is_there() -> bool:
        return in_team("get", "epool", "second").returncode == 0 and story.seen(POOLS) == "Synced Healthy"

    def is_pruned() -> bool:
        return "second" not in in_team("get", "epool,deployment", "-o", "name").stdout

    story.step("somebody changes spec.models by hand", change_by_hand, is_healed, "as in git, Synced Healthy")
    story.step("somebody deletes the router's Service", delete_child, is_back, "it is back, Synced Healthy")
    story.stays("failover, drain and scale by hand", control_by_hand, "Synced")  # healthy again when it is scaled
    held = field_of("chat", r".metadata.annotations.poolkeeper\.dev/failover-to")
    if held != "1":
        raise AssertionError(f"Argo CD changed the hold of failover: wanted 1, seen {held!r}")
    story.step("the pool is paused", pause("=true"), is_(POOLS, "Synced Suspended"), "Synced Suspended")
    story.step("the pool is resumed", pause("-"), is_(POOLS, "Synced Healthy"), "Synced Healthy")
    story.step("a second pool is pushed", pushed("another", second=pool("second")), is_there, "Synced Healthy")
    story.step("it is removed from git", pushed("without", second=None), is_pruned, "pool and routers are gone")


def application(name: str, repo: Repo, path: str, namespace: str, values: Json | None = None) -> Json:
    source: Json = {"repoURL": repo.url, "path": path, "targetRevision": "main"}
    if values is not None:
        source["helm"] = {"releaseName": "poolkeeper-gitops", "valuesObject": values}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "annotations": {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
        },
        "spec": {
            "project": "default",
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["CreateNamespace=true", "ServerSideApply=true", "SkipDryRunOnMissingResource=true"],
                "retry": {"limit": 5, "backoff": {"duration": "2s"}},
            },
        },
    }


def apply(kubectl: Kubectl, given: Json) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps(given))


def chart_files() -> dict[str, str | None]:
    chart = ROOT / "charts/poolkeeper"
    files = [file for file in chart.rglob("*") if file.is_file()]
    return {f"chart/{file.relative_to(chart)}": file.read_text() for file in files}


def chart_values() -> Json:
    """The images of this checkout; one namespace, so that other operators of the cluster are left alone."""
    build = ROOT / "hack/images/build.sh"
    run(str(build), "operator", "router")
    names = {name: run(str(build), "--print", name).strip().rsplit(":", 1) for name in ("operator", "router")}
    image = {name: {"repository": repository, "tag": tag} for name, (repository, tag) in names.items()}
    return {
        "image": image["operator"],
        "router": {"image": image["router"]},
        "crds": {"enabled": False},
        "watchNamespaces": [TEAM],
        "rbac": {"aggregate": False},
        "admissionPolicy": {"enabled": False},
    }


def clear(kubectl: Kubectl) -> None:
    for app in (POOLS, OPERATOR):
        kubectl("-n", NAMESPACE, "delete", "application", app, "--wait=false", check=False)
    kubectl("delete", "namespace", TEAM, SYSTEM, "--wait=false", "--ignore-not-found", check=False)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=cluster_environment())
    if done.returncode != 0:
        print(f"{' '.join(command)}: exit {done.returncode} {done.stderr.strip()[-300:]}", file=sys.stderr)
    return done.stdout


def write(rows: list[tuple[str, str, str]]) -> None:
    table = ["| what happens | Argo CD | after |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    PAGE.write_text(with_part(PAGE.read_text(), BEGIN, END, table))


if __name__ == "__main__":
    sys.exit(main())
