"""The same rule as the routers', by the same vectors."""

import pytest

from contract.router import vectors
from poolkeeper.probing.model_names import is_same_model


@pytest.mark.parametrize("case", vectors("models"), ids=lambda case: case["name"])
def test_a_name_is_read_as_routers_read_it(case: dict[str, object]) -> None:
    assert is_same_model(str(case["asked"]), str(case["answered"])) is case["is_same"]
