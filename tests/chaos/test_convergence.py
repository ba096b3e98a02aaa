"""Whatever breaks between operator and API server: the same objects are left, by the same creates and deletes, and
nothing is written once nothing happens any more. `make chaos` plays each fault at each number."""

import pytest

from chaos.conftest import Started
from testing.chaos.cases import SAMPLE, Case

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


def test_the_history_without_faults_creates_and_deletes_and_ends_at_rest(started: Started) -> None:
    without = started.without.result()

    assert without.wrong == []
    assert without.writes_at_rest == []
    kinds = {what.split("/")[0] for what in without.lasting}
    assert {"create deployments", "create cronjobs", "delete cronjobs", "delete horizontalpodautoscalers"} <= kinds


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_with_faults_the_same_is_left(started: Started, case: Case) -> None:
    outcome = started.histories[case.name].result()

    assert outcome.wrong == []
    assert {what for what, times in outcome.done.items() if times} == {fault.what for fault in case.faults.all}
