"""What the chart renders for twelve ways to install it, to the byte. `make goldens` writes it anew; then read the diff.

Without the CRDs, which have their own check.
"""

import os
from pathlib import Path

import pytest
import yaml

from chart.conftest import Helm
from chart.value_sets import VALUE_SETS

FOLDER = Path(__file__).parent / "golden"


def rendered(helm: Helm, name: str) -> str:
    objects = [one for one in helm.template(*VALUE_SETS[name]).objects if one["kind"] != "CustomResourceDefinition"]
    dumped = yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=120)
    return f"# A golden file; `make goldens` writes it anew.\n{dumped}"


@pytest.mark.parametrize("name", VALUE_SETS)
def test_what_is_rendered(helm: Helm, name: str) -> None:
    golden = FOLDER / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(rendered(helm, name))

    assert rendered(helm, name) == golden.read_text(), "`make goldens` writes it anew; then read the diff"


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(VALUE_SETS)


@pytest.mark.parametrize("name", VALUE_SETS)
def test_every_object_says_what_it_is_a_part_of(helm: Helm, name: str) -> None:
    for one in helm.template(*VALUE_SETS[name]).objects:
        metadata = one["metadata"]
        assert isinstance(metadata, dict)
        if one["kind"] != "CustomResourceDefinition":
            wanted = {"name", "instance", "version", "component", "part-of", "managed-by"}
            assert {f"app.kubernetes.io/{word}" for word in wanted} <= metadata["labels"].keys(), one["kind"]
