"""Laws of the breaker and of backoffs, whatever happens in whatever order."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from testing.lua_calls import Record, function, table

STATES = {"Closed", "Open", "HalfOpen"}
POLICY = {
    "consecutive_failures": 3, "minimum_requests": 5, "error_rate_percent": 50, "sliding_window_ms": 10_000,
    "recovery_timeout_ms": 1_000, "max_recovery_timeout_ms": 4_000, "half_open_max_requests": 2,
}  # fmt: skip
new_breaker = function('function() return require("core.health.breaker").new() end')
step = function(
    'function(record, event, context) return require("core.health.breaker").step(record, event, context) end'
)
may_admit = function(
    'function(record, now, policy) return require("core.health.breaker").may_admit(record, now, policy) end'
)
count_of = function("function(list) return #list end")
copy_of = function("function(record) local copy = {} for k, v in pairs(record) do copy[k] = v end return copy end")
unlike = function('function(a, b) for k, v in pairs(a) do if b[k] ~= v then return k end end return "" end')

events = st.tuples(
    st.sampled_from(["admit", "first_content", "complete", "failure", "release", "check_passed", "probe_passed"]),
    st.integers(0, 3_000),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 4),
    st.tuples(st.integers(0, 10), st.integers(1, 10)),
)


@given(st.lists(events, max_size=60))
def test_a_breaker_never_leaves_its_table_and_never_lends_more_than_it_may(
    story: list[tuple[str, int, float, int, tuple[int, int]]],
) -> None:
    record, now_ms = new_breaker(), 0
    for event, later_ms, random, lease, (ok, failed) in story:
        now_ms += later_ms
        before, unchanged = record, copy_of(record)
        could = may_admit(record, now_ms, table(POLICY))
        context = {
            "now_ms": now_ms, "started_ms": now_ms, "random": random, "policy": POLICY, "lease_ms": 500, "holder": 0,
            "lease": lease or None,
            "reason": "Busy", "window": {"ok": ok, "failed": failed}, "check_failed_at_ms": 0,
            "probed_at_ms": now_ms - later_ms,
        }  # fmt: skip
        record, effects = cast(tuple[Record, Record], step(record, event, table(context)))
        was, state = cast(Record, before)["state"], record["state"]

        assert state in STATES
        assert (was, state) not in {("Closed", "HalfOpen"), ("Open", "Closed")}
        assert (effects["transition"] is not None) == (was != state)
        assert cast(int, count_of(record["leases"])) + cast(int, record["passed"]) <= 2
        assert record["era"] == cast(int, cast(Record, before)["era"]) + ((was, state) == ("HalfOpen", "Closed"))
        assert unlike(before, unchanged) == ""
        assert event != "admit" or effects["admitted"] is could
        if event == "admit" and state == "Open":
            assert effects["admitted"] is False
        if state == "Open" and was != "Open":
            assert 800 <= cast(float, record["retry_at_ms"]) - now_ms <= 4_000


@given(st.lists(events, max_size=40), st.integers(1, 5))
def test_an_open_breaker_lets_no_more_through_than_its_half_open_requests(
    story: list[tuple[str, int, float, int, tuple[int, int]]], most: int
) -> None:
    """From outside, by what was admitted: never more half-open requests at once than allowed, lost ones apart."""
    policy = {**POLICY, "half_open_max_requests": most, "consecutive_failures": 1}
    record, now_ms = new_breaker(), 0
    out: dict[int, int] = {}
    for event, later_ms, random, nth, (ok, failed) in story:
        now_ms += later_ms
        lease = sorted(out)[nth % len(out)] if out and event != "admit" else None
        context = {
            "now_ms": now_ms, "started_ms": now_ms, "random": random, "policy": policy, "lease_ms": 500, "holder": 0,
            "lease": lease, "reason": "Busy", "window": {"ok": ok, "failed": failed}, "check_failed_at_ms": 0,
            "probed_at_ms": now_ms - later_ms,
        }  # fmt: skip
        record, effects = cast(tuple[Record, Record], step(record, event, table(context)))
        out = {it: until for it, until in out.items() if until > now_ms and it != lease}
        if record["state"] != "HalfOpen":
            out = {}
        elif event == "admit" and effects["admitted"]:
            out[cast(int, effects["lease"])] = now_ms + 500
        assert len(out) <= most


# --- backoffs

new_backoff = function('function() return require("core.health.backoff").new() end')
fails = function(
    """function(record, kind, outcome, context)
         return (require("core.health.backoff").failure(record, kind, outcome, context))
       end"""
)
answers = function(
    'function(record, now, started) return (require("core.health.backoff").success(record, "m", now, started)) end'
)
allows = function(
    'function(record, now, key) return require("core.health.backoff").allows(record, "m", "m", key, now) end'
)
ceiling = function('function(record, most, now) return require("core.health.backoff").ceiling(record, most, now) end')

happenings = st.lists(
    st.tuples(
        st.sampled_from(["success", "busy", "limited", "refused", "model", "fault"]),
        st.integers(0, 20_000),
        st.none() | st.integers(0, 60_000),
        st.none() | st.integers(0, 50),
        st.sampled_from(["CredentialsRejected", "BalanceExhausted"]),
    ),
    max_size=30,
)


@given(happenings, st.integers(1, 40))
def test_an_endpoint_has_a_backoff_as_long_as_it_was_asked_for_and_comes_back(
    story: list[tuple[str, int, int | None, int | None, str]], most: int
) -> None:
    record, now_ms = new_backoff(), 1_000
    for kind, later_ms, retry_after_ms, limit, reason in story:
        now_ms += later_ms
        if kind == "success":
            record = answers(record, now_ms, now_ms)
            assert allows(record, now_ms, "k1") or cast(Record, record)["missing"] is not None
        else:
            outcome = {"class": "Busy", "reason": reason, "retry_after_ms": retry_after_ms, "limit": limit}
            context = {
                "now_ms": now_ms, "started_ms": now_ms, "long_backoff_ms": 300_000, "key": "k1", "asked": "m",
                "model": "m", "digest": "1", "is_check": kind == "refused",
                "retry": {"busy_backoff_ms": [5_000, 10_000], "honor_retry_after": True},
            }  # fmt: skip
            record = fails(record, None if kind == "fault" else kind, table(outcome), table(context))
            if kind == "busy":
                assert not allows(record, now_ms + max(4_999, (retry_after_ms or 0) - 1), "k1")
            if kind == "limited" and retry_after_ms != 0:
                assert not allows(record, now_ms + (retry_after_ms or 5_000) - 1, "k1")
            if kind == "refused":
                assert not allows(record, now_ms, "k1")
        known = cast(float, ceiling(record, most, now_ms))
        assert 1 <= known <= most
    assert allows(record, now_ms + 3_600_000, "k2")  # another key, and all backoffs are over
