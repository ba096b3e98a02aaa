"""Every case of the suite as a test of its own: `pytest -m conformance -k busy tests`."""

import pytest

from testing.conformance.case import Case
from testing.conformance.stage import Stage
from testing.conformance.table import every_case
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.name)
def test_callers_get_and_providers_see_what_the_case_says(
    case: Case, stage: Stage, gateway: PoolkeeperUnderTest
) -> None:
    result = stage.play(case, gateway)
    assert not result.faults, "\n".join((case.title, *result.faults))
