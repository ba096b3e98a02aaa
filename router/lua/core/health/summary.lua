-- The summary of an endpoint for people: health, one reason for it, since when, and when it gets the next request.
-- Derived from the records that decide (breaker, backoff, key), so that it can never differ from what the router does.

local max = math.max

local key_choice = require "core.balancing.key_choice"
local probe_advice = require "core.balancing.probe_advice"
local breaker = require "core.health.breaker"
local backoff = require "core.health.backoff"
local missing_models = require "core.health.missing_models"

local _M = {}

local WORSE = { Closed = 0, HalfOpen = 1, Open = 2 }


-- The worst state of all models' circuits, is one closed, do those that are half-open wait for a request, the newest
-- change and the soonest retry.
local function summary(circuits)
  local worst, closed, tried, since_ms, retry_at_ms = "Closed", 0, 0, 0, nil
  for i = 1, #circuits do
    local record = circuits[i]
    if WORSE[record.state] > WORSE[worst] then
      worst = record.state
    end
    if record.state == "Closed" then
      closed = closed + 1
    end
    if record.state == "HalfOpen" and not breaker.UNTRIED[record.reason] then
      tried = tried + 1
    end
    if record.state == "Open" then
      retry_at_ms = math.min(retry_at_ms or record.retry_at_ms, record.retry_at_ms)
    end
    since_ms = max(since_ms, record.since_ms)
  end
  return { worst = worst, is_closed = closed > 0 or #circuits == 0, awaits_traffic = worst == "HalfOpen" and tried == 0,
           since_ms = since_ms, retry_at_ms = retry_at_ms }
end


local function shown(health, reason, since_ms, retry_at_ms)
  return { health = health, reason = reason, since_ms = since_ms, retry_at_ms = retry_at_ms }
end


local function is_failing(view)
  return view.check ~= nil and view.check.state == "Failing"
end


-- Since when have real answers or checks shown that it is healthy? nil: neither has yet.
local function well_since_ms(view, circuit)
  local answered_ms, passing_ms = view.backoff.well_since_ms, 0
  if view.check and view.check.state == "Passing" and (answered_ms == 0 or view.check.failed_at_ms > 0) then
    passing_ms = view.check.since_ms
  end
  return max(answered_ms, passing_ms) > 0 and max(answered_ms, passing_ms, circuit.since_ms) or nil
end


-- What ends by itself, and soon, comes later: an open breaker is worse.
local function of_keys(view, is_to_pass)
  local out = view.keys_out
  if out and key_choice.is_to_pass(out) == is_to_pass then
    return shown("Unhealthy", out.reason, out.since_ms, out.retry_at_ms)
  end
end


-- From the worst to the best; the first that has something to say is what keeps the endpoint out now.
local CHECKS = {
  function(view)
    if view.mode ~= "Active" then
      return shown("Unknown", view.mode, 0)
    end
    if view.weight == 0 then
      return shown("Unknown", "Drained", 0)
    end
    if view.is_off_schedule then
      return shown("Unknown", "OffSchedule", 0)
    end
  end,
  function(view)
    if not view.key then
      return shown("Unhealthy", "SecretNotFound", view.key_since_ms)
    end
    return of_keys(view, false)
  end,
  function(view, _, now_ms)
    local record = view.backoff
    if backoff.is_down(record, view.key, now_ms) then
      return shown("Unhealthy", record.down_reason, record.down_since_ms,
                  record.down_until_ms > 0 and record.down_until_ms or nil)
    end
  end,
  function(view, circuit, now_ms)
    if not circuit.is_closed and circuit.worst == "Open" and not (is_failing(view) and now_ms >= circuit.retry_at_ms) then
      return shown("Unhealthy", "BreakerOpen", circuit.since_ms, max(circuit.retry_at_ms, view.backoff.account.until_ms))
    end
  end,
  function(view)
    if is_failing(view) then
      return shown("Unhealthy", "HealthCheckFailed", view.check.since_ms)
    end
  end,
  function(_, circuit)
    if not circuit.is_closed and not circuit.awaits_traffic then
      return shown("Unhealthy", "BreakerHalfOpen", circuit.since_ms)
    end
  end,
  function(view, _, now_ms)
    local until_ms = missing_models.all_until_ms(view.backoff.missing, view.all_asked or {}, now_ms)
    if until_ms then
      return shown("Unhealthy", "ModelMissing", until_ms - view.long_backoff_ms, until_ms)
    end
  end,
  function(view, _, now_ms)
    local record = backoff.shown(view.backoff, view.models or {}, now_ms)
    if record then
      return shown("Unhealthy", record.reason, record.since_ms, record.until_ms)
    end
    return of_keys(view, true)
  end,
  function(view, _, now_ms)
    if view.advice and probe_advice.percent(view.advice, now_ms) == 0 then
      return shown("Unhealthy", view.advice.reason, view.advice.since_ms)
    end
  end,
  function(view, circuit)
    if not circuit.is_closed then
      return shown("Unknown", "AwaitingTraffic", circuit.since_ms)
    end
    local since_ms = well_since_ms(view, circuit)
    return since_ms and shown("Healthy", "Healthy", since_ms) or shown("Unknown", "NoDataYet", 0)
  end,
}


-- view: mode, weight, is_off_schedule, key (version of its key, "" when it needs none, nil when it is missing),
-- key_since_ms, keys_out (of core/balancing/key_choice.lua, of several keys), backoff (record of backoff.lua), models
-- (names), all_asked (what they are for chat in that record; nil: not looked at), long_backoff_ms (so long something is
-- taken as missing), circuits (records of its models), advice (of probes, or nil), check (record, nil when there are no
-- checks). Gives health, reason, since_ms, retry_at_ms, breaker.
function _M.of(view, now_ms)
  local circuit = summary(view.circuits)
  for i = 1, #CHECKS do
    local answer = CHECKS[i](view, circuit, now_ms)
    if answer then
      answer.breaker = circuit.worst
      return answer
    end
  end
end


return _M
