"""A real API server takes every object of the chart, and every manifest that is shown, however it is applied."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.value_sets import VALUE_SETS
from cluster.test_admission import rendered
from testing.cluster_bed import Json, Kubectl
from testing.manifests import SMALLEST

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "crds"


@pytest.fixture(scope="module")
def crds(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", str(CRDS))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))


@pytest.mark.parametrize("name", VALUE_SETS)
def test_every_object_of_the_chart_is_valid(kubectl: Kubectl, crds: None, namespace: str, name: str) -> None:
    """--validate=strict: an unknown field is an error."""
    objects = [one for one in yaml.safe_load_all(rendered(kubectl, (), *VALUE_SETS[name], namespace=namespace)) if one]
    there = {"team", "demo"}
    for one in objects:
        if one["metadata"].get("namespace") in there:
            one["metadata"]["namespace"] = namespace

    said = kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-",
        stdin=yaml.safe_dump_all(objects), check=False,
    )  # fmt: skip

    assert said.stderr.replace("Warning: ", "") == "" or said.returncode == 0, said.stderr


def shown() -> Iterator[tuple[str, Json]]:
    """Name -> a whole manifest of ours: of the pages, completed where they show a part, and of examples."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            found: Any = yaml.safe_load(block)
            kind = found.get("kind", "FailoverPolicy")
            if kind in SMALLEST:
                whole = found if "kind" in found else {"spec": found}
                yield page.name, {**SMALLEST[kind], **whole, "spec": {**dict(SMALLEST[kind]["spec"]), **whole["spec"]}}  # type: ignore[call-overload] # parsed YAML
    for file in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document and document.get("kind") in SMALLEST:
                yield file.name, document


SHOWN = [pytest.param(body, id=f"{number}-{name}") for number, (name, body) in enumerate(shown())]


@pytest.mark.parametrize("manifest", SHOWN)
def test_what_is_shown_can_be_applied_both_ways_twice(
    kubectl: Kubectl, crds: None, namespace: str, manifest: Json
) -> None:
    """Client-side, then server-side, and each again: what the first way left behind must not be in the second's way."""
    name = manifest["metadata"].get("name", "shown")
    body = {**manifest, "metadata": {"name": name}}
    local = "127.0.0.1" in json.dumps(body) or "localhost" in json.dumps(body)
    if local:
        pytest.skip("for `poolkeeper run`: a cluster refuses loopback")
    for way in ((), (), ("--server-side", "--force-conflicts"), ("--server-side",), ()):
        kubectl("-n", namespace, "apply", *way, "-f", "-", stdin=json.dumps(body))
