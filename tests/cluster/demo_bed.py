"""The demo pool in a namespace of the tests' own cluster."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from testing.cluster_bed import Bed, Kubectl

ROOT = Path(__file__).parents[2]


def serving_demo(kubectl: Kubectl, cluster_env: Mapping[str, str], namespace: str) -> Bed:
    """A scripted DeepSeek as tier 0, the real model server as tier 1; the pool serves. Made unless it is there."""
    command = [str(ROOT / "hack/demo/demo.sh"), "apply", namespace]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(cluster_env), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    kubectl("-n", namespace, "rollout", "status", "deployment", "official", "local", "--timeout=120s", timeout_s=180)
    bed = Bed(kubectl, namespace)
    bed.warm_up("local")
    bed.wait_condition("Ready", "True", timeout_s=120)
    bed.wait_condition("Available", "True")
    return bed
