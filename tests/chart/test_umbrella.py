"""The chart as a part of a platform team's own chart, as Helm itself resolves it."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.conftest import CHART, KUBE_VERSION, Helm

PARENT = {
    "apiVersion": "v2",
    "name": "platform",
    "version": "1.0.0",
    "dependencies": [
        {"name": "poolkeeper", "version": "*", "condition": "poolkeeper.enabled"},
        {"name": "poolkeeper", "version": "*", "condition": "second.enabled", "alias": "second"},
    ],
}
VALUES = {
    "global": {"imageRegistry": "registry.example", "team": {"name": "llm"}},
    "poolkeeper": {"enabled": True, "replicaCount": 1},
    "second": {"enabled": False, "crds": {"enabled": False}, "rbac": {"aggregate": False}},
}


@pytest.fixture
def umbrella(tmp_path: Path) -> Path:
    """With the values of all parts in one file, and globals that are for others."""
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(PARENT))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(VALUES))
    shutil.copytree(CHART, tmp_path / "charts/poolkeeper")
    return tmp_path


def rendered(helm: Helm, chart: Path, *sets: str) -> list[dict[str, Any]]:
    values = [part for value in sets for part in ("--set", value)]
    done = helm("template", "platform", str(chart), "--namespace", "ops", "--kube-version", KUBE_VERSION, *values)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def test_it_is_there_with_the_parent_s_values(helm: Helm, umbrella: Path) -> None:
    (deployment,) = [one for one in rendered(helm, umbrella) if one["kind"] == "Deployment"]

    assert deployment["metadata"]["name"] == "platform-poolkeeper"
    assert deployment["spec"]["replicas"] == 1


def test_it_is_switched_off_whole(helm: Helm, umbrella: Path) -> None:
    assert rendered(helm, umbrella, "poolkeeper.enabled=false") == []


def test_a_second_one_under_another_name_has_objects_of_its_own(helm: Helm, umbrella: Path) -> None:
    made = rendered(helm, umbrella, "second.enabled=true", "second.watchNamespaces={team}")
    names = Counter((one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in made)

    assert sum(one["kind"] == "Deployment" for one in made) == 2
    assert [name for name, count in names.items() if count > 1] == []


def test_a_misspelt_value_is_refused_there_too(helm: Helm, umbrella: Path) -> None:
    done = helm("template", "platform", str(umbrella), "--kube-version", KUBE_VERSION, "--set", "poolkeeper.replicas=2")

    assert "additional properties 'replicas' not allowed" in done.stderr
