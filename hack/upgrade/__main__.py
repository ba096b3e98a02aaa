"""`make e2e-upgrade`: install the previous version, upgrade it under a hundred streams, roll back, uninstall, remove.

Exit 1 at the first failed request, at a step that does not come, and at anything that is left. Writes docs/upgrade.md.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.machine import facts
from hack.upgrade import bed
from hack.upgrade.page import Row, page
from hack.upgrade.releases import ROOT, Version, fake_image, git, of_commit, of_tree, previous, run
from hack.upgrade.streams import Streams
from testing.cluster_bed import Bed, Kubectl, cluster_environment, wait_until
from testing.cluster_provider import provider

TEAM = f"pk-upgrade-{os.getpid()}"
SYSTEM = f"{TEAM}-system"
RELEASE = "poolkeeper-upgrade"
CALLERS = 100
STEP_LIMIT_S = 300.0
QUIET_S = 20.0
"""Longer than an answer: every caller has asked again since."""
CRDS = ("endpointpools.poolkeeper.dev", "failoverpolicies.poolkeeper.dev")
PAGE = ROOT / "docs/upgrade.md"


@dataclass
class Story:
    kubectl: Kubectl
    streams: Streams | None = None
    rows: list[Row] = field(default_factory=list)

    def step(self, what: str, do: Callable[[], object], holds: Callable[[], bool], want: str) -> None:
        began = time.monotonic()
        if self.streams is not None:
            self.streams.phase = what
        do()
        wait_until(f"{what}: {want}", lambda: holds() or None, timeout_s=STEP_LIMIT_S)
        took_s = time.monotonic() - began
        if self.streams is not None:
            time.sleep(QUIET_S)
        ended = self.streams.ended[what] if self.streams is not None else None
        failed = len(self.streams.failed.get(what, [])) if self.streams is not None else None
        again = self.streams.again[what] if self.streams is not None else None
        self.rows.append(Row(what, want, took_s, ended, failed, again))
        print(f"  {what:<60} {want:<44} {took_s:5.0f} s  streams {ended}, again {again}, failed {failed}", flush=True)
        if failed and self.streams is not None:
            raise AssertionError(f"{what}: {failed} requests failed: {self.streams.failed[what][:5]}")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that all that was made goes
    arguments = argparse.ArgumentParser(prog="make e2e-upgrade ARGS=...", description=__doc__)
    arguments.add_argument("--from", dest="revision", default="", help="a commit or tag; default: the last release")
    commit = previous(arguments.parse_args().revision)
    kubectl = Kubectl(cluster_environment())
    refuse_other_pools(kubectl)
    began = facts()
    with TemporaryDirectory(prefix="poolkeeper-upgrade-") as made, ExitStack() as stack:
        old = of_commit(commit, Path(made) / "old")
        new = of_tree(ROOT, git("log", "-1", "--format=%h of %cs"), Path(made) / "new")
        if old.router == new.router or old.operator == new.operator:
            sys.exit(f"{old.name} has the same images as {new.name}: name an earlier one (ARGS='--from COMMIT')")
        image = fake_image()
        stack.callback(clear, kubectl)
        story = Story(kubectl)
        play(story, old, new, image, stack)
    PAGE.write_text(page(old, new, CALLERS, story.rows, began))
    return 0


def play(story: Story, old: Version, new: Version, image: str, stack: ExitStack) -> None:
    kubectl = story.kubectl
    for name in (TEAM, SYSTEM):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    bed.apply(kubectl, TEAM, provider("official", image))
    bed.wait_answers(kubectl, TEAM)

    def helm(*words: str) -> Callable[[], object]:
        return lambda: run("helm", *words, "-n", SYSTEM)

    def install(version: Version, *values: str) -> Callable[[], object]:
        watch = ["--set", f"watchNamespaces={{{TEAM}}}", "--set", "rbac.aggregate=false"]
        # --take-ownership: another installation of this cluster may have brought the CRDs.
        how = ["--take-ownership", "--wait", "--timeout", "4m", *version.values(), *watch, *values]
        return helm("upgrade", "--install", RELEASE, str(version.chart), *how)

    def with_routers(version: Version) -> Callable[[], bool]:
        return lambda: bed.rolled(kubectl, TEAM, version.router) and is_ready(kubectl)

    def start() -> None:
        assert story.streams is not None
        story.streams.start()

    def is_streaming() -> bool:
        return story.streams is not None and story.streams.ended["100 callers stream"] >= CALLERS

    def routers_serve_alone() -> bool:
        return left(kubectl, SYSTEM) == [] and all_there(kubectl)

    story.step(
        "the previous version is installed", install(old), lambda: all_there(kubectl), "operator and CRDs are there"
    )
    story.step(
        "a pool is applied", lambda: bed.apply(kubectl, TEAM, bed.pool()), with_routers(old), "Ready, two routers"
    )
    address = stack.enter_context(Bed(kubectl, TEAM).reach(f"{bed.POOL}-router", 80))
    if address.startswith("127."):
        sys.exit("this needs a cluster whose Service addresses are routed here: a port-forward ends with its Pod")
    story.streams = Streams(f"http://{address}/v1", CALLERS)
    stack.callback(story.streams.stop)
    story.step(f"{CALLERS} callers stream", start, is_streaming, "each had an answer")
    story.step("`helm upgrade`", install(new), with_routers(new), "every router is a new one")
    story.step(
        "`helm rollback`",
        helm("rollback", RELEASE, "--wait", "--timeout", "4m"),
        with_routers(old),
        "every router is an old one",
    )
    story.step("`helm upgrade` once more", install(new), with_routers(new), "every router is a new one")
    story.step(
        "`helm uninstall`",
        helm("uninstall", RELEASE, "--wait"),
        routers_serve_alone,
        "CRDs, pool and routers stay, nothing else",
    )
    story.streams.stop()
    story.streams = None

    gone = ("delete", "epool,fopol", "--all", "-n", TEAM, "--wait=false")
    story.step("the pool is deleted", lambda: kubectl(*gone), lambda: routers(kubectl) == [], "no router is left")
    away = ("delete", "namespace", TEAM, SYSTEM, "--wait=false")
    story.step("the namespaces are deleted", lambda: kubectl(*away), lambda: namespaces(kubectl) == [], "none is stuck")
    kubectl("create", "namespace", TEAM)
    kubectl("create", "namespace", SYSTEM)
    with_crds = install(new, "--set", "crds.keep=false")
    story.step(
        "an installation with `crds.keep=false`", with_crds, lambda: all_there(kubectl), "operator and CRDs are there"
    )
    story.step(
        "its `helm uninstall`",
        helm("uninstall", RELEASE, "--wait"),
        lambda: crds(kubectl) == [] and left(kubectl, SYSTEM) == [],
        "the CRDs are gone, too",
    )


def refuse_other_pools(kubectl: Kubectl) -> None:
    """The end of the story deletes the CRDs, and with them every pool of the cluster."""
    found = kubectl("get", "epool,fopol", "-A", "-o", "name", check=False).stdout.split()
    if found:
        seen = f"the cluster has {len(found)} pools and policies, and this deletes the CRDs in the end"
        sys.exit(f"{seen}: delete them first, or use another cluster")


def is_ready(kubectl: Kubectl) -> bool:
    wanted = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl("-n", TEAM, "get", "epool", bed.POOL, "-o", wanted, check=False).stdout == "True"


def all_there(kubectl: Kubectl) -> bool:
    return crds(kubectl) == list(CRDS)


def crds(kubectl: Kubectl) -> list[str]:
    names = kubectl("get", "crd", "-o", "name").stdout.split()
    return sorted(name.partition("/")[2] for name in names if name.endswith(".poolkeeper.dev"))


def routers(kubectl: Kubectl) -> list[str]:
    return kubectl(
        "-n", TEAM, "get", "pods,deployments,services,configmaps", "-l", f"poolkeeper.dev/pool={bed.POOL}", "-o", "name"
    ).stdout.split()


def namespaces(kubectl: Kubectl) -> list[str]:
    return [name for name in kubectl("get", "namespaces", "-o", "name").stdout.split() if TEAM in name]


def left(kubectl: Kubectl, namespace: str) -> list[str]:
    """Of the release, anywhere in the cluster; CRDs apart."""
    kinds = kubectl("api-resources", "--verbs=list,delete", "-o", "name").stdout.split()
    kinds = [
        kind
        for kind in kinds
        if kind != "customresourcedefinitions.apiextensions.k8s.io" and "metrics.k8s.io" not in kind
    ]
    found = kubectl(
        "get", ",".join(kinds), "-A", "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "json", check=False
    )
    items = json.loads(found.stdout or "{}").get("items", [])
    secrets = kubectl("-n", namespace, "get", "secrets", "-o", "name", check=False).stdout.split()
    return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in items) + secrets


def clear(kubectl: Kubectl) -> None:
    """Whatever happened: no release, no namespace, and the CRDs of this checkout, as before."""
    try:
        run("helm", "uninstall", RELEASE, "-n", SYSTEM, "--ignore-not-found")
    except SystemExit:
        print("the release could not be uninstalled", file=sys.stderr)
    kubectl("delete", "epool,fopol", "--all", "-n", TEAM, "--wait=false", check=False)
    kubectl("delete", "namespace", TEAM, SYSTEM, "--wait=false", "--ignore-not-found", check=False)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"), check=False)


if __name__ == "__main__":
    sys.exit(main())
