"""The same rule as the routers', by the same vectors."""

import json
from pathlib import Path

import pytest

from poolkeeper.probing.model_names import is_same_model

VECTORS = json.loads((Path(__file__).parents[2] / "contract/router/models.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_name_is_read_as_routers_read_it(case: dict[str, object]) -> None:
    assert is_same_model(str(case["asked"]), str(case["answered"])) is case["is_same"]
