"""Several API keys of one endpoint in conditions, status and Events."""

from dataclasses import replace

from factories import (
    EARLIER,
    LOCAL,
    NOW,
    condition,
    document,
    endpoint,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
)
from poolkeeper.api.reasons import ConditionType as T
from poolkeeper.api.reasons import Reason
from poolkeeper.api.router_state import EndpointState, KeyState
from poolkeeper.plan.key_refresh import poke_every_s
from poolkeeper.plan.snapshot import Snapshot

KEYS = (("team", "api-key"), ("team", "second"), ("other", "api-key"))
OFFICIAL = endpoint("official", provider="DeepSeek", credentialsRefs=[{"name": n, "key": k} for n, k in KEYS])
POOL = pool([OFFICIAL, LOCAL])


def with_keys(*reasons: str, **fields: object) -> Snapshot:
    """Two routers that agree."""
    planned = document(snapshot(POOL))
    files = [key.file for key in planned.endpoints[0].credentials]
    keys = [
        KeyState(key=number, file=file, reason=reason, since=EARLIER)
        for number, (file, reason) in enumerate(zip(files, reasons, strict=True), 1)
    ]
    official: EndpointState = seen("official", **fields).model_copy(update={"keys": tuple(keys)})  # type: ignore[arg-type]
    one = state(planned, official, seen("local", tier=1))
    return serving(snapshot(POOL), one, one)


WELL = with_keys("", "", "")
ONE_REFUSED = with_keys("", "CredentialsRejected", "")


def test_a_missing_key_of_three_is_named_and_the_others_serve() -> None:
    status = status_update(with_keys("", "SecretNotFound", "")).status
    found = condition(status, T.ResolvedRefs)
    assert (found.status, found.reason) == ("False", Reason.SecretKeyMissing)
    assert found.message == (
        "Secret team has no key second, or it is no API key; endpoint official needs it, and the routers miss the file "
        "since 2026-11-22T07:40:00Z (2/2 replicas). Its other API keys serve"
    )
    assert condition(status, T.Available).status == "True"
    assert condition(status, T.Degraded).status == "False"


def test_a_missing_secret_of_three_is_named() -> None:
    found = condition(status_update(with_keys("", "", "SecretNotFound")).status, T.ResolvedRefs)
    assert found.reason == Reason.SecretNotFound
    assert found.message.startswith(
        "Secret other with key api-key does not exist, or it is no API key; endpoint official needs it"
    )


def test_a_refused_key_is_a_matter_for_a_person_and_no_outage() -> None:
    status = status_update(ONE_REFUSED).status
    found = condition(status, T.Degraded)
    assert (found.status, found.reason) == ("True", Reason.CredentialsRejected)
    assert found.message == (
        "official serves without one of its API keys: of Secret team, key second it refuses the API key since "
        "2026-11-22T07:40:00Z (CredentialsRejected; 2/2 replicas). To do: check Secret team, key second, and the API "
        "key at the provider"
    )
    assert status.summary == "2/2"
    assert [(one.name, one.key, one.reason, one.since) for one in status.endpoints[0].keys_left_out] == [
        ("team", "second", "CredentialsRejected", EARLIER)
    ]


def test_a_limited_key_comes_and_goes_unmentioned() -> None:
    status = status_update(with_keys("RateLimited", "", "")).status
    assert condition(status, T.Degraded).status == "False"
    assert status.endpoints[0].keys_left_out == ()


def test_half_of_the_routers_decide() -> None:
    both = ONE_REFUSED
    one, other = both.reports[0], WELL.reports[0]
    three = replace(both, reports=(one, replace(other, pod="chat-router-1"), replace(other, pod="chat-router-2")))
    three = replace(
        three, live=replace(both.live, pods=(*both.live.pods, replace(both.live.pods[0], name="chat-router-2")))
    )
    assert status_update(three).status.endpoints[0].keys_left_out == ()


def test_an_event_when_a_key_is_left_out_and_when_it_is_used_again() -> None:
    well, refused = status_update(WELL).status, status_update(replace(ONE_REFUSED, previous=status_update(WELL).status))
    assert [(event.type, event.reason, event.message) for event in refused.events] == [
        (
            "Warning",
            "CredentialsRejected",
            "official: its API key of Secret team, key second, is left out (CredentialsRejected); its other keys serve",
        )
    ]
    back = status_update(replace(WELL, previous=refused.status))
    assert [event.message for event in back.events] == [
        "official: its API key of Secret team, key second, is used again"
    ]
    assert not status_update(replace(WELL, previous=well)).events


def test_a_key_that_the_spec_has_no_more_is_not_used_again() -> None:
    refused = status_update(ONE_REFUSED).status
    fewer = replace(serving(snapshot(pool())), generation=2, previous=refused)
    assert not [event for event in status_update(fewer).events if event.reason == "KeyUsedAgain"]


def test_what_was_published_stands_while_no_router_reports() -> None:
    refused = status_update(ONE_REFUSED).status
    silent = replace(ONE_REFUSED, previous=refused, reports=())
    text = status_update(silent)
    assert text.status.endpoints[0].keys_left_out == refused.endpoints[0].keys_left_out
    assert not text.events


def test_pods_are_refreshed_while_one_key_of_three_is_awaited() -> None:
    assert poke_every_s(WELL.reports, NOW) is None
    assert poke_every_s(ONE_REFUSED.reports, NOW) is not None
