"""`make e2e-release`: a release, made twice, signed, pushed to a registry, and installed from there and nothing else.

The key, the registry and the downloads are made here, on loopback. Namespaces enforce Pod security "restricted".
Exit 1 at the first thing that is not as it should be. Its table goes into docs/install.md.
"""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from hack.delivery.cosign import Cosign, built, stranger, version
from hack.release import manifests
from hack.release.images import Image, read
from hack.site.page_part import with_part
from hack.upgrade import bed
from hack.upgrade.releases import ROOT, fake_image
from hack.upgrade.streams import one_answer
from poolkeeper import __version__
from testing.cluster_bed import Bed, Json, Kubectl, cluster_environment, wait_until
from testing.cluster_provider import provider
from testing.registry import local_registry, log_of

NAME = f"pk-release-{os.getpid()}"
BY_HELM, BY_KUBECTL = f"{NAME}-helm", f"{NAME}-kubectl"
SYSTEM = f"{NAME}-system"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
LIMIT_S = 240.0
PAGE = ROOT / "docs/install.md"
BEGIN, END = "<!-- release: written by `make e2e-release` -->\n", "<!-- end of the release -->\n"
RANDOM = (".sig",)
"""An ECDSA signature has a random part."""


@dataclass
class Story:
    env: Mapping[str, str]
    rows: list[tuple[str, str]] = field(default_factory=list)

    def saw(self, what: str, seen: str) -> None:
        self.rows.append((what, seen))
        print(f"  {what:<66} {seen}", flush=True)

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None, check: bool = True) -> str:
        both = {**self.env, **(env or {})}
        done = subprocess.run(command, capture_output=True, text=True, env=both, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-1500:]}")
        return done.stdout


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that all that was made goes
    story = Story(cluster_environment())
    kubectl = Kubectl(story.env)
    refuse(story, kubectl)
    with TemporaryDirectory(prefix="poolkeeper-release-") as made, ExitStack() as stack:
        folder = Path(made)
        registry = f"{stack.enter_context(local_registry(folder))}/pk"
        image = fake_image()
        release = make(story, folder, registry)
        verify(story, folder, release, registry)
        stack.callback(clear, story, kubectl)
        with_helm(story, kubectl, folder, registry, image)
        without_helm(story, kubectl, folder, release, image)
        pulled(story, folder, read(release / "images.txt"))
    write(story.rows)
    return 0


def refuse(story: Story, kubectl: Kubectl) -> None:
    ground = story.run(ROOT / "hack/cluster/ground.sh").strip()
    if ground != "built":
        sys.exit(f"this needs hack/cluster's own Kubernetes, whose node reaches a registry on loopback; seen: {ground}")
    found = kubectl("get", "epool,fopol", "-A", "-o", "name", check=False).stdout.split()
    if found:
        sys.exit(f"the cluster has {len(found)} pools and policies, and this deletes the CRDs: delete them first")


def make(story: Story, folder: Path, registry: str) -> Path:
    """The same release twice, signed, and pushed."""
    key = folder / "key.pem"
    story.run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key)
    more = {"REGISTRY": registry, "SIGNING_KEY": str(key), "URL": "https://forge.example/releases/download/v1"}
    first, second = folder / "first", folder / "second"
    for out in (first, second):
        story.run(ROOT / "hack/release/package.sh", env={**more, "OUT": str(out)})
    sums = [{file.name: digest(file) for file in out.iterdir() if file.suffix not in RANDOM} for out in (first, second)]
    differing = sorted(name for name in sums[0] | sums[1] if sums[0].get(name) != sums[1].get(name))
    if differing:
        raise AssertionError(f"two runs of `make package` differ in {differing}")
    story.saw("`make package` twice", f"the same bytes in all {len(sums[0])} files, signatures apart")
    return first


def verify(story: Story, folder: Path, release: Path, registry: str) -> None:
    """As somebody does who has downloaded the files and has the public key from elsewhere."""
    program = built(ROOT)
    cosign, other = Cosign(program, release / "release.pub"), Cosign(program, stranger(folder))
    for name in ("SHA256SUMS", "provenance.intoto.json"):
        if not cosign.takes_file(release / name):
            raise AssertionError(f"cosign does not take the signature of {name}")
        forged = folder / name
        forged.write_bytes((release / name).read_bytes() + b" ")
        shutil.copy(release / f"{name}.sig", folder)
        if cosign.takes_file(forged):
            raise AssertionError(f"cosign takes the signature for another {name}")
    story.run("bash", "-c", f"cd {release} && sha256sum --check --quiet SHA256SUMS")
    story.saw(
        f"`cosign verify-blob` ({version(ROOT)}) of checksums and provenance",
        "verified; refused once a byte is added",
    )
    for image in read(release / "images.txt"):
        if not cosign.takes_image(image.reference(__version__)):
            raise AssertionError(f"cosign finds no signature of {image.repository}")
        if other.takes_image(image.reference(__version__)):
            raise AssertionError(f"cosign takes another key for {image.repository}")
    chart = f"{registry}/charts/poolkeeper:{__version__}"
    if not cosign.takes_image(chart):
        raise AssertionError("cosign finds no signature of the chart")
    story.saw("`cosign verify` of both images and the chart in the registry", "verified; refused with another key")


def with_helm(story: Story, kubectl: Kubectl, folder: Path, registry: str, image: str) -> None:
    chart = ("oci://" + f"{registry}/charts/poolkeeper", "--version", __version__, "--plain-http")
    back = folder / "back"
    back.mkdir()
    story.run("helm", "pull", *chart, "-d", back)
    first = folder / "first" / f"poolkeeper-{__version__}.tgz"
    if digest(back / first.name) != digest(first):
        raise AssertionError("the registry's chart is not the chart of the release")
    for name in (SYSTEM, BY_HELM):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, RESTRICTED)
    began = time.monotonic()
    # --take-ownership: another installation of this cluster may have brought the CRDs.
    story.run("helm", "install", NAME, *chart, "-n", SYSTEM, "--take-ownership", "--wait", "--timeout", "4m")
    operators = by_digest(kubectl, SYSTEM, "app.kubernetes.io/name=poolkeeper")
    seen = f"{operators} operators by digest, after {time.monotonic() - began:.0f} s"
    story.saw("`helm install` of the registry's chart, without a value", seen)
    serves(story, kubectl, BY_HELM, image, "a pool of it")
    story.run("helm", "test", NAME, "-n", SYSTEM)
    story.saw("`helm test`", "passes")
    kubectl("delete", "epool,fopol", "--all", "-n", BY_HELM)
    story.run("helm", "uninstall", NAME, "-n", SYSTEM, "--wait")


def without_helm(story: Story, kubectl: Kubectl, folder: Path, release: Path, image: str) -> None:
    file = str(release / "install.yaml")
    began = time.monotonic()
    kubectl("apply", "--server-side", "--force-conflicts", "-f", file)
    kubectl(
        "-n",
        manifests.NAMESPACE,
        "rollout",
        "status",
        "deployment/poolkeeper",
        f"--timeout={LIMIT_S:.0f}s",
        timeout_s=250,
    )
    operators = by_digest(kubectl, manifests.NAMESPACE, "app.kubernetes.io/name=poolkeeper")
    seen = f"{operators} operators by digest, after {time.monotonic() - began:.0f} s"
    story.saw("`kubectl apply --server-side -f install.yaml`", seen)
    kubectl("create", "namespace", BY_KUBECTL)
    kubectl("label", "namespace", BY_KUBECTL, RESTRICTED)
    serves(story, kubectl, BY_KUBECTL, image, "a pool of it, too")
    kubectl("delete", "epool,fopol", "--all", "-n", BY_KUBECTL)
    kubectl("delete", "-f", file, "--wait=true", timeout_s=LIMIT_S)
    story.saw("`kubectl delete -f install.yaml`, pools first", "namespace and CRDs are gone")


def serves(story: Story, kubectl: Kubectl, namespace: str, image: str, what: str) -> None:
    bed.apply(kubectl, namespace, [*provider("official", image), *bed.pool()])
    bed.wait_answers(kubectl, namespace)
    here = Bed(kubectl, namespace)
    wait_until("the pool is Ready", lambda: here.condition("Ready", bed.POOL)[0] == "True" or None, LIMIT_S)
    routers = by_digest(kubectl, namespace, "app.kubernetes.io/name=poolkeeper-router")
    with here.reach(f"{bed.POOL}-router", 80) as address:
        wrong = asyncio.run(streamed(f"http://{address}/v1"))
    if wrong:
        raise AssertionError(f"{namespace}: {wrong}")
    story.saw(what, f"{routers} routers by digest, a stream through them is whole")


async def streamed(base_url: str) -> str:
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as client:
        return await one_answer(client)


def by_digest(kubectl: Kubectl, namespace: str, selector: str) -> int:
    """How many Pods run, every container of them by digest, from the registry."""

    def look() -> list[Json]:
        found = json.loads(kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "json").stdout)["items"]
        return [pod for pod in found if pod["status"].get("phase") == "Running"]

    pods = wait_until(f"Pods {selector} in {namespace}", look, LIMIT_S)
    images = {one["image"] for pod in pods for one in pod["spec"]["containers"]}
    tagged = [one for one in images if "@sha256:" not in one]
    if tagged:
        raise AssertionError(f"{namespace}: wanted images by digest, seen {tagged}")
    return len(pods)


def pulled(story: Story, folder: Path, images: tuple[Image, ...]) -> None:
    """What the registry itself says: the node fetched each image from it, by digest."""
    log = log_of(folder).read_text()
    missing = [
        one.name for one in images if not any(one.digest in line and "containerd" in line for line in log.splitlines())
    ]
    if missing:
        raise AssertionError(f"the node did not pull {missing} from the registry")
    story.saw("the registry's own log", "the node pulled both images from it, by digest")


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def clear(story: Story, kubectl: Kubectl) -> None:
    """Whatever happened: no release, no namespace, and the CRDs of this checkout, as before."""
    for namespace in (BY_HELM, BY_KUBECTL):
        kubectl("delete", "epool,fopol", "--all", "-n", namespace, "--wait=false", check=False)
    story.run("helm", "uninstall", NAME, "-n", SYSTEM, "--ignore-not-found", check=False)
    install = manifests.NAMESPACE
    kubectl(
        "delete", "namespace", BY_HELM, BY_KUBECTL, SYSTEM, install, "--wait=false", "--ignore-not-found", check=False
    )
    leftovers = "clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding"
    kubectl("delete", leftovers, "-l", "app.kubernetes.io/instance=poolkeeper", check=False)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"), check=False)


def write(rows: list[tuple[str, str]]) -> None:
    table = ["| what | seen |", "|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    PAGE.write_text(with_part(PAGE.read_text(), BEGIN, END, table))


if __name__ == "__main__":
    sys.exit(main())
