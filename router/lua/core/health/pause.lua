-- One backoff: of a whole account or of one model at an endpoint. It grows with each failure in a row. A backoff that the
-- provider set (Retry-After) lasts to its end. In any other one of more than HALF_OPEN_MS, one request in HALF_OPEN_MS
-- goes as a half-open request, whose success ends the backoff. So a recovery is found soon, and an endpoint that stays
-- down gets six requests a minute.

local max = math.max
local min = math.min

local _M = {}

local HALF_OPEN_MS = 10000
local WAKING_MS = 1000


-- row: failures in a row, the first of them at first_ms; is_asked: its provider stated the time; is_said: and a request may
-- wait for that; half_open_at_ms: when the next half-open request may go.
function _M.new()
  return { until_ms = 0, since_ms = 0, reason = "", is_asked = false, is_said = false, row = 0, first_ms = 0,
           half_open_at_ms = 0 }
end


-- A failure. kind: busy or limited. context: now_ms, started_ms (of the attempt), retry (policy). A new pause. Attempts that
-- were under way when it began are news of the same failure, not of another in a row.
function _M.failed(before, kind, outcome, context)
  local after = {}
  for key, value in pairs(before) do
    after[key] = value
  end
  local steps, pause_ms = context.retry.busy_backoff_ms, 0
  local asked_ms = context.retry.honor_retry_after and outcome.retry_after_ms or nil
  if before.row == 0 or context.started_ms >= before.since_ms then
    after.row, after.since_ms, after.reason = before.row + 1, context.now_ms, outcome.reason
    after.first_ms = before.row == 0 and context.now_ms or before.first_ms
    after.is_asked, after.is_said, after.half_open_at_ms = false, false, context.now_ms + HALF_OPEN_MS
    pause_ms = steps[min(after.row, #steps)] or 0
  end
  if asked_ms then
    pause_ms = kind == "limited" and asked_ms or max(pause_ms, asked_ms)
    after.is_asked, after.is_said = true, after.is_said or kind == "limited"
  end
  after.until_ms = max(before.until_ms, context.now_ms + pause_ms)
  return after
end


-- For context.long_backoff_ms from now: what stands before the endpoint blocks everything. A half-open request that is
-- blocked, too, sets it again.
function _M.blocked(before, outcome, context)
  local after = _M.new()
  after.row, after.reason = before.row + 1, outcome.reason
  after.first_ms = before.row == 0 and context.now_ms or before.first_ms
  after.since_ms, after.until_ms = context.now_ms, max(before.until_ms, context.now_ms + context.long_backoff_ms)
  after.half_open_at_ms = context.now_ms + HALF_OPEN_MS
  return after
end


-- A cold standby that has just been woken is not up yet: requests wait for it, as if it had named the time.
function _M.waking(before, outcome, context)
  local after = _M.new()
  after.row, after.reason, after.since_ms = before.row + 1, outcome.reason, context.now_ms
  after.first_ms = before.row == 0 and context.now_ms or before.first_ms
  after.until_ms, after.is_asked, after.is_said = max(before.until_ms, context.now_ms + WAKING_MS), true, true
  return after
end


function _M.is_over(pause, now_ms)
  return now_ms >= pause.until_ms
end


-- When the next request may be sent: at its end, or before that as a half-open request.
function _M.retry_at_ms(pause)
  if pause.is_asked or pause.until_ms - pause.since_ms <= HALF_OPEN_MS then
    return pause.until_ms
  end
  return min(pause.until_ms, pause.half_open_at_ms)
end


-- The backoff after a half-open request was let through.
function _M.tried(before, now_ms)
  local after = {}
  for key, value in pairs(before) do
    after[key] = value
  end
  after.half_open_at_ms = now_ms + HALF_OPEN_MS
  return after
end


return _M
