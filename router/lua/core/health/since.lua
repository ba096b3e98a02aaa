-- Since when each cause keeps requests from an endpoint. A half-open request that fails is no new beginning: a cause lasts
-- until an answer or a check has ended it.

local backoff = require "core.health.backoff"
local is_to_pass = require("core.balancing.key_choice").is_to_pass
local probe_advice = require "core.balancing.probe_advice"

local min = math.min

local _M = {}

local QUIET_MS = 60000 -- after a backoff: without a request for so long, nothing keeps any out


local function earliest(known_ms, since_ms)
  return known_ms > 0 and min(known_ms, since_ms) or since_ms
end


local function of_breakers(circuits)
  local since_ms = 0
  for i = 1, #circuits do
    if circuits[i].state ~= "Closed" then
      since_ms = earliest(since_ms, circuits[i].broken_since_ms)
    end
  end
  return since_ms
end


local function of_pauses(record, keys_out, now_ms)
  local since_ms = keys_out and is_to_pass(keys_out) and keys_out.since_ms or 0
  local function look(pause)
    if pause.row > 0 and now_ms < pause.until_ms + QUIET_MS then
      since_ms = earliest(since_ms, pause.first_ms)
    end
  end
  look(record.account)
  for _, pause in pairs(record.models) do
    look(pause)
  end
  return since_ms
end


local function of_key(record, key, keys_out, now_ms)
  if keys_out and not is_to_pass(keys_out) then
    return keys_out.since_ms
  end
  if key.missing then
    return key.since_ms
  end
  return backoff.is_down(record, key.version, now_ms) and record.down_since_ms or 0
end


-- known: circuits, backoff, key, keys_out, check (nginx/balancing/endpoint_summary.lua). Cause -> since when; 0: it keeps
-- none out.
function _M.causes(known, advice, now_ms)
  local check = known.check
  return {
    breaker = of_breakers(known.circuits),
    backoff = of_pauses(known.backoff, known.keys_out, now_ms),
    credential = of_key(known.backoff, known.key, known.keys_out, now_ms),
    health_check = check and check.state == "Failing" and check.since_ms or 0,
    probe = advice and probe_advice.percent(advice, now_ms) == 0 and advice.since_ms or 0,
  }
end


return _M
