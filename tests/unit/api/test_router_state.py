"""What a router's Pod says is bounded, typed and fit for a terminal, or refused by the place where it is not."""

import json

import pytest
from pydantic import ValidationError

from poolkeeper.api.foreign_values import NAME_LENGTH
from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.router_state import MOST_ENDPOINTS, RouterState, wrong_with

OFFICIAL = {"name": "official", "tier": 0, "health": "Healthy", "since": "2026-11-22T00:00:00Z"}


def said(**changes: object) -> str:
    return json.dumps({"pool": "team/chat", "generation": 1, "ready": True, "endpoints": [OFFICIAL], **changes})


def of_endpoint(**changes: object) -> str:
    return said(endpoints=[{**OFFICIAL, **changes}])


@pytest.mark.parametrize(
    ("state", "want"),
    [
        (said(activeTier=10**12), "activeTier"),
        (said(activeTier=-1), "activeTier"),
        (said(generation=10**30), "generation"),
        (said(generation="many"), "generation"),
        (of_endpoint(tier=10), "endpoints.0.tier"),
        (of_endpoint(inFlight=-3), "endpoints.0.inFlight"),
        (of_endpoint(weight=1e300), "endpoints.0.weight"),
        (of_endpoint(ttftMs=float("inf")), "endpoints.0.ttftMs"),
        (of_endpoint(errorRatePercent=float("nan")), "endpoints.0.errorRatePercent"),
        (of_endpoint(since="2026-11-22T00:00:00"), "endpoints.0.since"),
        (of_endpoint(since="0001-01-01T00:00:00+14:00"), "endpoints.0.since"),
        (of_endpoint(since=10**17), "endpoints.0.since"),
        (of_endpoint(health="Splendid"), "endpoints.0.health"),
        (of_endpoint(models=[{"name": "m", "since": "2026-11-22"}]), "endpoints.0.models.0.since"),
        (said(endpoints=[OFFICIAL] * (MOST_ENDPOINTS + 1)), "endpoints"),
        (said(transitions=[{"sequence": 2**70}]), "transitions.0.sequence"),
        (said(endpoints={"name": "official"}), "endpoints"),
        (said(transitions=[{}] * 10_000), "transitions"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(state: str, want: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RouterState.model_validate_json(state)

    assert wrong_with(refused.value) == f"not a router's state ({want})"


@pytest.mark.parametrize(
    "hidden",
    ["\x1b[2J", "\x1b]0;title\x07", "a\nb\r", "\x9b31m", "\u202eevil", "\u200b", "\x00", "\u2028", "\u2066"],
)
def test_nothing_that_a_terminal_obeys_gets_in(hidden: str) -> None:
    text = f"before{hidden}after"
    state = RouterState.model_validate_json(
        said(
            configHash=text,
            config={"refused": {"generation": 1, "message": text}},
            endpoints=[{**OFFICIAL, "reason": text, "region": text, "models": [{"name": text, "reason": text}]}],
            clientsWithoutKey=[{"name": text}],
            transitions=[{"endpoint": text, "model": text, "from": text, "to": text, "reason": text}],
            unservedModels=[text],
            failback={"toldAt": text, "held": [{"model": text, "tier": 0}]},
        )
    )

    assert not any(
        character in state.model_dump_json(by_alias=True) for character in hidden if not character.isprintable()
    )
    assert all(one.isprintable() for one in (state.config_hash, state.endpoints[0].reason, state.unserved_models[0]))


def test_text_is_cut_to_a_bounded_length() -> None:
    state = RouterState.model_validate_json(of_endpoint(reason="x" * 100_000))

    assert len(state.endpoints[0].reason) == NAME_LENGTH


def test_a_newer_router_may_say_more() -> None:
    state = RouterState.model_validate_json(said(somethingNew={"deep": [1]}))

    assert (state.pool, state.endpoints[0].name) == ("team/chat", "official")


@pytest.mark.parametrize("changes", [{"ended": "2026-11-22T00:00:00"}, {"endpoints": [{"name": "a", "bad": -1}]}])
def test_a_forged_result_of_a_probe_is_refused(changes: dict[str, object]) -> None:
    good = {"pool": "team/chat", "began": "2026-11-22T00:00:00Z", "ended": "2026-11-22T00:00:01Z"}

    assert ProbeResult.model_validate_json(json.dumps({**good, "note": "a\x1b[31mb"})).note == "a [31mb"
    with pytest.raises(ValidationError):
        ProbeResult.model_validate_json(json.dumps({**good, **changes}))
