"""For those who do not use Helm: the CRDs, and everything, as one file each. Rendered from the chart, never by hand."""

import os
import shutil
import subprocess
from pathlib import Path

from hack.release import sources

NAMESPACE = "poolkeeper-system"
NAMESPACE_OBJECT = f"""---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
KUBE_VERSION = "1.36"
CRDS = sources.ROOT / "crds"


def crds() -> str:
    return "".join(f"---\n{file.read_text()}" for file in sorted(CRDS.glob("*.yaml")))


def install(chart: Path) -> str:
    """The chart's objects with its default values, and their namespace before them."""
    command = [helm(), "template", "poolkeeper", str(chart), "--namespace", NAMESPACE, "--kube-version", KUBE_VERSION]
    done = subprocess.run([*command, "--no-hooks", "--skip-tests"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"helm could not render {chart.name}: {done.stderr.strip()}")
    return NAMESPACE_OBJECT + done.stdout


def helm() -> str:
    """The one that hack/cluster/build.sh made, or that of PATH."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    built = Path(os.environ.get("POOLKEEPER_CACHE") or f"{base}/poolkeeper") / "bin/helm"
    found = str(built) if built.exists() else shutil.which("helm")
    if found is None:
        raise SystemExit("no helm: `hack/cluster/build.sh helm` builds it, or install it")
    return found
