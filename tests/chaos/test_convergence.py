"""Whatever breaks between operator and API server: the same objects are left, by the same creates and deletes, and
nothing is written once nothing happens any more. `make chaos` plays each fault at each number."""

import pytest

from chaos.conftest import Played
from testing.chaos.cases import SAMPLE, Case

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


def test_the_history_without_faults_creates_and_deletes_and_ends_at_rest(played: Played) -> None:
    assert played.without.wrong == []
    assert played.without.writes_at_rest == []
    kinds = {what.split("/")[0] for what in played.without.lasting}
    assert {"create deployments", "create cronjobs", "delete cronjobs", "delete horizontalpodautoscalers"} <= kinds


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_with_faults_the_same_is_left(played: Played, case: Case) -> None:
    outcome = played.runs[case.name].result()

    assert outcome.wrong == []
    assert {what for what, times in outcome.done.items() if times} == {fault.what for fault in case.faults.all}
