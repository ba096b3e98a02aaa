"""Every reason that the router's core/health/summary.lua gives is one that the operator's api/router_reasons.py
knows."""

import pytest
from lupa.luajit21 import LuaRuntime

from poolkeeper.api.router_reasons import (
    AT_REST,
    AWAITS_TRAFFIC,
    BY_BREAKER,
    CHECK_FAILED,
    KEY_MISSING,
    KEY_REFUSED,
    OUT_OF_MONEY,
    UNTRIED,
    WELL,
)
from testing.router_lua import search_path

lua = LuaRuntime(unpack_returned_tuples=True)
lua.execute(search_path())
lua.execute(
    """
    local breaker, backoff = require("core.health.breaker"), require("core.health.backoff")
    local check = require("core.health.check_state")
    function circuit(state, reason)
      local record = breaker.new()
      record.state, record.reason = state, reason
      return record
    end
    function in_backoff(changes)
      local record = backoff.new()
      for key, value in pairs(changes) do record[key] = value end
      return record
    end
    function paused(until_ms, reason)
      local record = require("core.health.pause").new()
      record.until_ms, record.reason = until_ms, reason
      return record
    end
    function checked(state)
      local record = check.new()
      record.state = state
      return record
    end
    function shown(changes)
      local view = { mode = "Active", weight = 1, key = "k", key_since_ms = 0, backoff = backoff.new(),
                     circuits = { breaker.new() } }
      for key, value in pairs(changes) do view[key] = value end
      return require("core.health.summary").of(view, 1000).reason
    end
    """
)

VIEWS: dict[str, tuple[str, frozenset[str]]] = {
    "nothing known": ("{}", WELL),
    "answered well": ("{ backoff = in_backoff({ well_since_ms = 1 }) }", WELL),
    "checks pass": ('{ check = checked("Passing") }', WELL),
    "checks fail": ('{ check = checked("Failing") }', CHECK_FAILED),
    "no key": ("{ key = false }", KEY_MISSING),
    "key refused": ('{ backoff = in_backoff({ down_reason = "CredentialsRejected", down_key = "k" }) }', KEY_REFUSED),
    "no money": ('{ backoff = in_backoff({ down_reason = "BalanceExhausted", down_key = "k" }) }', OUT_OF_MONEY),
    "busy": ('{ backoff = in_backoff({ account = paused(2000, "Busy") }) }', AT_REST),
    "open": ('{ circuits = { circuit("Open", "Busy") } }', BY_BREAKER),
    "tried": ('{ circuits = { circuit("HalfOpen", "RecoveryTimeoutPassed") } }', BY_BREAKER),
    "waits": ('{ circuits = { circuit("HalfOpen", require("core.health.breaker").CHECKED) } }', AWAITS_TRAFFIC),
    "waits after a probe": (
        '{ circuits = { circuit("HalfOpen", require("core.health.breaker").PROBED) } }',
        AWAITS_TRAFFIC,
    ),
}


@pytest.mark.parametrize(("view", "want_words"), VIEWS.values(), ids=VIEWS.keys())
def test_the_operator_knows_the_reason(view: str, want_words: frozenset[str]) -> None:
    assert lua.eval(f"shown({view})") in want_words


def test_both_call_a_breaker_that_no_request_moved_the_same() -> None:
    assert set(lua.eval('require("core.health.breaker").UNTRIED')) == UNTRIED
