"""An endpoint whose answers come from another model, as its routers have seen it in real traffic."""

from dataclasses import replace

from factories import EARLIER, MODELS, condition, document, seen, serving, snapshot, state, status_update
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_state import EndpointState
from poolkeeper.plan.snapshot import Snapshot


def answered_by(other: str | None) -> Snapshot:
    official = seen("official")
    first = official.models[0].model_copy(
        update={"answered_by": other, "answered_by_since": EARLIER if other else None}
    )
    substituting: EndpointState = official.model_copy(update={"models": (first, *official.models[1:])})
    planned = document(snapshot())
    seen_by_one = state(planned, substituting, seen("local", tier=1))
    return serving(snapshot(), seen_by_one, state(planned))


def test_it_is_a_grey_failure_that_names_both_models() -> None:
    update = status_update(answered_by("deepseek-v3.2"))

    degraded = condition(update.status, ConditionType.Degraded)
    assert (degraded.status, degraded.reason) == ("True", Reason.GreyFailure)
    assert degraded.message.startswith(f"official: {MODELS[0]} is answered by deepseek-v3.2 since ")
    assert update.status.endpoints[0].reason == "WrongModel"
    assert update.status.endpoints[0].health == "Healthy"


def test_one_event_when_it_begins() -> None:
    well, other = status_update(answered_by(None)), answered_by("deepseek-v3.2")
    begun = status_update(replace(other, previous=well.status))
    still = status_update(replace(other, previous=begun.status))

    assert [event.message for event in begun.events] == [
        "official: its answers name another model than the one that was requested"
    ]
    assert still.events == ()
