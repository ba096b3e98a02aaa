-- How an endpoint rests: after 429 or busy for a while that grows with each time in a row, after a refused key until the
-- key file changes, a model it does not have for that model alone. Also what people read of it: since when it is well,
-- and the class of its last error. `step` gives back the same record when nothing changed.

local max = math.max
local min = math.min

local _M = {}

local LIMIT_MEMORY_MS = 600000 -- a ceiling the provider named is believed for ten minutes: balances get topped up


-- rest_*: resting for all models, rest_is_said: until when its provider said; missing: what was asked for (a model on a
-- surface) -> until; down_*: out of service, until_ms 0 = until the key changes (down_key is the key it was refused with);
-- limit_*: a ceiling learned from the provider; row: busy answers in a row.
function _M.new()
  return { rest_until_ms = 0, rest_since_ms = 0, rest_reason = "", rest_is_said = false, row = 0, missing = {},
           down_reason = "", down_since_ms = 0, down_until_ms = 0, down_key = "", is_down_by_check = false,
           limit = 0, limit_until_ms = 0, well_since_ms = 0, error_class = "", error_at_ms = 0 }
end


-- What an endpoint starts as that is told to be out of service: until then, or until its key changes.
function _M.new_down(reason, key, now_ms, until_ms)
  local record = _M.new()
  record.down_reason, record.down_since_ms, record.down_until_ms, record.down_key = reason, now_ms, until_ms, key
  return record
end


local function copy_of(record)
  local copy = {}
  for key, value in pairs(record) do
    copy[key] = value
  end
  return copy
end


local RESTS = {}

-- Attempts that were under way when it went to rest are news of the same refusal, not of another in a row.
function RESTS.backoff(record, outcome, context)
  local steps, rest_ms = context.retry.busy_backoff_ms, 0
  if record.row == 0 or context.started_ms >= record.rest_since_ms then
    record.row = record.row + 1
    record.rest_since_ms = context.now_ms
    record.rest_reason = outcome.reason
    record.rest_is_said = false
    rest_ms = steps[min(record.row, #steps)] or 0
  end
  if context.retry.honor_retry_after and outcome.retry_after_ms then
    rest_ms = max(rest_ms, outcome.retry_after_ms)
  end
  record.rest_until_ms = max(record.rest_until_ms, context.now_ms + rest_ms)
  if outcome.limit and outcome.limit >= 1 then
    record.limit, record.limit_until_ms = outcome.limit, context.now_ms + LIMIT_MEMORY_MS
  end
end

-- As backoff; and a Retry-After that is honoured here is a time that a request may wait for.
function RESTS.limited(record, outcome, context)
  RESTS.backoff(record, outcome, context)
  record.rest_is_said = record.rest_is_said or context.retry.honor_retry_after and outcome.retry_after_ms ~= nil
end

-- A refused key stays refused; a balance may be topped up, and without a key there is no file that could change.
function RESTS.down(record, outcome, context)
  local may_heal = outcome.reason == "BalanceExhausted" or context.key == ""
  if record.down_reason ~= outcome.reason or record.down_key ~= context.key then
    record.down_since_ms = context.now_ms
  end
  record.down_reason, record.down_key = outcome.reason, context.key
  record.is_down_by_check = context.is_check == true
  record.down_until_ms = may_heal and context.now_ms + context.long_rest_ms or 0
end

function RESTS.model(record, _, context)
  local missing = {}
  for asked, until_ms in pairs(record.missing) do
    if until_ms > context.now_ms then
      missing[asked] = until_ms
    end
  end
  missing[context.asked] = context.now_ms + context.long_rest_ms
  record.missing = missing
end


-- The endpoint answered as it should. started_ms: when it was asked; an answer to what was sent before it went to rest, or
-- out of service, says nothing against that. Gives also the transition, if it had been out of service.
function _M.success(record, now_ms, started_ms)
  if record.well_since_ms > 0 and record.row == 0 and record.down_reason == "" then
    return record
  end
  if started_ms < max(record.rest_since_ms, record.down_since_ms) then
    return record
  end
  local well = copy_of(record)
  well.row, well.down_reason, well.down_key, well.rest_until_ms = 0, "", "", 0
  well.well_since_ms = record.well_since_ms > 0 and record.well_since_ms or now_ms
  return well, record.down_reason ~= "" and { from = "OutOfService", to = "InService", reason = "Answered" } or nil
end


-- An attempt failed. kind: the rests of its class (outcome.lua) or nil. outcome: class, reason, retry_after_ms, limit.
-- context: now_ms, started_ms (of the attempt), retry (policy), long_rest_ms, key (which version of the key file was sent),
-- asked (for what), is_check (no attempt failed but a health check). Gives the record and, when the endpoint went out of
-- service by it, a transition.
function _M.failure(record, kind, outcome, context)
  local failed = copy_of(record)
  failed.error_class, failed.error_at_ms = outcome.class, context.now_ms
  if not kind then
    return failed
  end
  RESTS[kind](failed, outcome, context)
  if kind == "model" then
    return failed
  end
  failed.well_since_ms = 0
  if kind == "down" and record.down_reason ~= outcome.reason then
    return failed, { from = record.down_reason == "" and "InService" or record.down_reason, to = "OutOfService",
                     reason = outcome.reason }
  end
  return failed
end


-- Health checks have passed often enough, and proved the key or the balance: what was laid down for the lack of that is
-- over. Not more than that: a pause that the provider asked for is kept. What a check laid down, it may take back.
local PROVED_BY = { CredentialsRejected = "key", BalanceExhausted = "balance" }

function _M.proved(record, proves)
  local reason = record.down_reason
  if reason == "" or not record.is_down_by_check and not proves[PROVED_BY[reason]] then
    return record
  end
  local back = copy_of(record)
  back.down_reason, back.down_key, back.is_down_by_check = "", "", false
  return back, { from = "OutOfService", to = "InService", reason = "HealthCheckPassed" }
end


-- The endpoint has listed its models. is_there: what may be asked for (a model on a surface) -> boolean.
function _M.listed(record, is_there, context)
  local missing, differs = {}, false
  for asked, until_ms in pairs(record.missing) do
    missing[asked] = not is_there[asked] and until_ms or nil
    differs = differs or is_there[asked] == true
  end
  for asked, there in pairs(is_there) do
    if not there and (missing[asked] or 0) - context.now_ms < context.long_rest_ms / 2 then
      missing[asked], differs = context.now_ms + context.long_rest_ms, true
    end
  end
  if not differs then
    return record
  end
  local told = copy_of(record)
  told.missing = missing
  return told
end


function _M.is_down(record, key, now_ms)
  return record.down_reason ~= "" and record.down_key == key
    and (record.down_until_ms == 0 or now_ms < record.down_until_ms)
end


-- Has the endpoint said that it does not have what is asked for (a model on a surface)?
function _M.is_missing(record, asked, now_ms)
  return now_ms < (record.missing[asked] or 0)
end


-- May this endpoint be asked for this, as far as rests go? key: the version of the key file there is now.
function _M.allows(record, asked, key, now_ms)
  return now_ms >= record.rest_until_ms
    and not _M.is_missing(record, asked, now_ms)
    and not _M.is_down(record, key, now_ms)
end


-- When it will be back, as its provider said; nil when that said nothing, or it is back.
function _M.said_until_ms(record, now_ms)
  if record.rest_is_said and record.rest_until_ms > now_ms then
    return record.rest_until_ms
  end
end


-- The ceiling that holds now: the declared one, or the lower one that the provider named.
function _M.ceiling(record, max_connections, now_ms)
  if record.limit > 0 and now_ms < record.limit_until_ms then
    return min(record.limit, max_connections)
  end
  return max_connections
end


return _M
