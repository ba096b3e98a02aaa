"""What requests have shown of an endpoint that keeps nobody from using it: no such pool says that all is well."""

import pytest

from factories import EARLIER, MODELS, condition, document, seen, serving, snapshot, state, status_update
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.plan.snapshot import Snapshot


def noticed(word: str | None) -> Snapshot:
    official = seen("official")
    first = official.models[0].model_copy(update={"notice": word, "notice_since": EARLIER if word else None})
    shown = official.model_copy(update={"models": (first, *official.models[1:])})
    planned = document(snapshot())
    return serving(snapshot(), state(planned, shown, seen("local", tier=1)), state(planned))


@pytest.mark.parametrize(
    ("word", "want"),
    [
        ("BeginsAnew", "asked to continue an answer of {model}, it begins a new turn"),
        ("LeadsBack", "every way of {model} leads back to this pool"),
    ],
)
def test_it_is_degraded_and_says_what_to_do(word: str, want: str) -> None:
    degraded = condition(status_update(noticed(word)).status, ConditionType.Degraded)

    assert (degraded.status, degraded.reason) == ("True", Reason.GreyFailure)
    assert degraded.message.startswith("official: " + want.format(model=MODELS[0]))
    assert " since " in degraded.message
    assert "To do: " in degraded.message


@pytest.mark.parametrize("word", [None, "SomethingOfALaterRouter"])
def test_nothing_and_words_of_a_later_version_are_no_reason(word: str | None) -> None:
    degraded = condition(status_update(noticed(word)).status, ConditionType.Degraded)

    assert degraded.reason == Reason.AllEndpointsHealthy
