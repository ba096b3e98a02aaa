"""An empty FailoverPolicy, in figures: what it says goes through the operator's plan and the router's own reader, and
the router's state machines live by it while the clock is turned. docs/promises.md has what people were promised."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import cast

import pytest

from factories import NOW, document, endpoint, pool, snapshot
from poolkeeper.api.router_document import RouterDoc
from testing.lua_calls import Record, function, table
from testing.router_lua import LUA

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
START_MS = 1_000_000 * MINUTE_MS
"""Any time: at the beginning of a minute, and so of a bucket of the sliding window."""
EVEN = 0.5
"""What the dice say when they change nothing."""

CIRCUITS = function(
    """function(path)
         -- nginx/endpoint/breakers.lua with what the workers share in a table, with even dice
         local records, counters = {}, {}
         local stubs = {}
         stubs["nginx.endpoint.in_flight"] = { worker = function() return 0 end }
         stubs["nginx.shared.metrics"] = { series = function() end }
         stubs["nginx.shared.series_store"] = { add = function() end }
         stubs["nginx.shared.state"] = {
           epoch = function() end, log_transition = function() end,
           read = function(key, new) return records[key] or new() end,
           update = function(key, new, step)
             local record, effects = step(records[key] or new())
             records[key] = record
             return effects
           end,
           count = function(key, amount) counters[key] = (counters[key] or 0) + amount end,
           counted = function(key) return counters[key] or 0 end,
         }
         local function needed(name)
           return stubs[name] or name:find("^nginx%.") and {} or require(name)
         end
         local seen = { require = needed }
         seen.math = setmetatable({ random = function() return 0 end }, { __index = math })
         return setfenv(assert(loadfile(path)), setmetatable(seen, { __index = _G }))()
       end"""
)
READ = function('function(document) return require("core.document.config").read(document) end')


def read(of: RouterDoc) -> Record:
    """The document as a router takes it."""
    return cast(Record, READ(table(of.model_dump(mode="json", by_alias=True))))


POLICY = cast(Record, read(document(snapshot()))["policy"])


class Breaker:
    """The breaker of one endpoint and model, under the default policy."""

    def __init__(self) -> None:
        self._calls = cast(Record, CIRCUITS(str(LUA / "nginx/endpoint/breakers.lua")))
        self.now_ms = START_MS

    def _call(self, name: str, *arguments: object) -> object:
        return cast(Callable[..., object], self._calls[name])(*arguments)

    def state(self) -> object:
        return cast(Record, self._call("record", "c"))["state"]

    def attempt(self) -> Record | None:
        """One that is let through."""
        attempt = table(
            {"circuit": "c", "endpoint": {"name": "a"}, "model": "m", "model_label": "m", "started_ms": self.now_ms}
            | {"counted_era": -1, "policy": POLICY}
        )
        return cast(Record, attempt) if self._call("admit", attempt, self.now_ms) else None

    def answered(self, attempt: object) -> None:
        self._call("first_content", attempt, self.now_ms)
        self._call("complete", attempt, self.now_ms)

    def ask(self, *outcomes: bool) -> None:
        """Attempts, one after the other: True is a good answer."""
        for is_good in outcomes:
            attempt = self.attempt()
            assert attempt is not None
            if is_good:
                self.answered(attempt)
            else:
                self._call("failure", attempt, "ServerError", self.now_ms)

    def opens_at(self) -> int:
        return ceil(cast(float, cast(Record, self._call("record", "c"))["retry_at_ms"]))


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


# --- when an endpoint is out


def test_3_failed_checks_take_an_endpoint_out_and_2_good_ones_bring_it_back() -> None:
    new = function('function() return require("core.health.check_state").new() end')
    step = function(
        """function(record, event, now, policy)
             local context = { now_ms = now, policy = policy, result = "" }
             return (require("core.health.check_state").step(record, event, context))
           end"""
    )
    record, seen = step(new(), "good", 1, POLICY["health_check"]), []
    for now, event in enumerate(["bad", "bad", "good", "bad", "bad", "bad", "good", "bad", "good", "good"], 2):
        record = step(record, event, now, POLICY["health_check"])
        seen.append(cast(Record, record)["state"])

    assert seen == ["Passing"] * 5 + ["Failing"] * 4 + ["Passing"]


def test_checks_are_10_s_apart() -> None:
    due = function(
        """function(policy, random)
             local healthcheck = require "core.health.check_state"
             return healthcheck.next_due_ms(healthcheck.new(), 0, policy, random)
           end"""
    )

    assert due(POLICY["health_check"], EVEN) == 10 * SECOND_MS


def test_5_failures_in_a_row_open_a_breaker(breaker: Breaker) -> None:
    breaker.ask(False, False, False, False, True, False, False, False, False)
    assert breaker.state() == "Closed"

    breaker.ask(False)

    assert breaker.state() == "Open"


def test_50_percent_of_60_s_open_a_breaker(breaker: Breaker) -> None:
    """Of 20 requests at least; no more than one failure in a row, so that it is the rate that opens it."""
    breaker.ask(True, True, *(True, False) * 9)
    assert breaker.state() == "Closed"  # 9 of 20

    breaker.ask(True, False)
    assert breaker.state() == "Closed"  # 10 of 22

    breaker.ask(False)
    assert breaker.state() == "Closed"  # 11 of 23

    breaker.ask(False)
    assert breaker.state() == "Open"  # 12 of 24


@pytest.mark.parametrize(("apart_s", "want"), [(45, "Open"), (60, "Closed")])
def test_what_is_60_s_old_opens_no_breaker(breaker: Breaker, apart_s: int, want: str) -> None:
    breaker.ask(*(True, False) * 9)
    breaker.now_ms += apart_s * SECOND_MS

    breaker.ask(True, False)

    assert breaker.state() == want


def test_after_30_s_a_breaker_is_half_open_and_lets_5_requests_through(breaker: Breaker) -> None:
    breaker.ask(*[False] * 5)
    breaker.now_ms += 10 * SECOND_MS - 1
    assert breaker.attempt() is None
    breaker.now_ms += 20 * SECOND_MS
    assert breaker.state() == "Open"

    breaker.now_ms += 1
    half_open = [breaker.attempt() for _ in range(6)]

    assert breaker.state() == "HalfOpen"
    assert [one is not None for one in half_open] == [True] * 5 + [False]
    for one in half_open[:5]:
        assert breaker.state() == "HalfOpen"
        breaker.answered(one)
    assert breaker.state() == "Closed"


def test_a_breaker_that_opens_ever_again_waits_twice_as_long_each_time_up_to_300_s(breaker: Breaker) -> None:
    breaker.ask(*[False] * 5)
    waits_s = []
    for _ in range(8):
        waits_s.append((breaker.opens_at() - breaker.now_ms) / SECOND_MS)
        breaker.now_ms = breaker.opens_at()
        breaker.ask(False)

    assert waits_s == [30, 30, 30, 60, 120, 240, 300, 300]


def test_a_busy_endpoint_has_a_backoff_of_5_then_10_then_30_s() -> None:
    fail = function(
        """function(record, policy, now)
             local backoff = require "core.health.backoff"
             return (backoff.failure(record or backoff.new(), "busy", { class = "Busy", reason = "Busy" },
               { now_ms = now, started_ms = now, retry = policy.retry, long_backoff_ms = 0, key = "k", asked = "chat m",
                 model = "m", digest = "1" }))
           end"""
    )
    allows = function(
        'function(record, now) return require("core.health.backoff").allows(record, "chat m", "m", "k", now) end'
    )
    record, now_ms, backoffs_s = None, START_MS, []
    for _ in range(4):
        record = cast(Record, fail(record, POLICY, now_ms))
        until_ms = cast(int, cast(Record, record["account"])["until_ms"])
        half_open_ms = min(until_ms, now_ms + 10 * SECOND_MS)
        assert (allows(record, half_open_ms - 1), allows(record, until_ms)) == (False, True)
        backoffs_s.append((until_ms - now_ms) / SECOND_MS)
        now_ms = until_ms

    assert backoffs_s == [5, 10, 30, 30]


# --- what is sent where, by the clock


@pytest.mark.parametrize(
    ("at", "want"),
    [("00:59:59", 100), ("01:00:00", 200), ("04:59:59", 200), ("05:00:00", 100), ("13:00:00", 100)],
)
def test_an_endpoint_may_have_twice_its_weight_off_peak_from_01_00_to_05_00_utc(at: str, want: int) -> None:
    weigh = function(
        """function(doc, now)
             local tariff = require "core.document.tariff"
             for _, endpoint in ipairs(doc.endpoints) do endpoint.candidate = {} end
             tariff.prepare(doc)
             tariff.refresh(doc, now)
             return doc.endpoints[1].weight_now
           end"""
    )
    schedule = [{"from": "01:00", "to": "05:00", "weightPercent": 200}]
    declared = document(snapshot(pool([endpoint("a", weight=100, schedule=schedule)])))
    hours, minutes, seconds = map(int, at.split(":"))
    moment = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)
    moment += timedelta(hours=hours, minutes=minutes, seconds=seconds)

    assert weigh(read(declared), moment.timestamp() * SECOND_MS) == want


# --- when nobody can answer


def test_an_answer_is_kept_for_3600_s_in_64_mib() -> None:
    fallback = cast(Record, POLICY["fallback"])

    assert fallback["cache_ttl_ms"] == 3_600 * SECOND_MS
    assert fallback["cache_bytes"] == 64 << 20


def test_the_last_word_is_an_error_that_says_system_busy_please_retry_shortly() -> None:
    fallback = cast(Record, POLICY["fallback"])

    assert (fallback["format"], fallback["default_response"]) == ("Error", "System busy, please retry shortly")


def test_half_of_all_requests_failing_opens_the_pools_own_breaker_which_tries_5_after_30_s() -> None:
    wanted = {
        "error_rate_percent": 50, "sliding_window_ms": MINUTE_MS, "minimum_requests": 20,
        "recovery_timeout_ms": 30 * SECOND_MS, "half_open_max_requests": 5,
    }  # fmt: skip

    breaker = cast(Record, POLICY["global_breaker"])

    assert {name: breaker[name] for name in wanted} == wanted


# --- what costs money or moves conversations is asked for


@pytest.mark.parametrize("feature", ["hedging", "queue", "context_recovery"])
def test_is_off_unless_asked_for(feature: str) -> None:
    assert POLICY[feature] is None


def test_conversations_are_not_tied_and_prices_not_looked_at_unless_asked_for() -> None:
    balancing = cast(Record, POLICY["balancing"])

    assert balancing["affinity"] is None
    assert balancing["price_weight_percent"] == 0
