-- What keeps requests from an endpoint besides its breakers: a backoff after 429 or busy (pause.lua), of the account or
-- one model; a refused key or a spent balance (suspicion.lua decides when that counts); a model that it does not have. Also
-- since when it is healthy, and its last error. A function gives back the same record if nothing changed.

local max, min = math.max, math.min

local cause = require("core.error.outcome").cause
local failing_row = require "core.health.failing_row"
local missing_models = require "core.health.missing_models"
local pause = require "core.health.pause"
local suspicion = require "core.health.suspicion"

local _M = {}

local LIMIT_MEMORY_MS = 600000 -- a connection limit that a provider named holds for ten minutes: accounts get credit


-- account: the backoff of all models; models: model -> its own; missing: what is missing there (a model on a surface) ->
-- until; refusals: of the key, as evidence; blocks: pages of a firewall, as evidence; down_*: out of service, until_ms 0 =
-- until the key changes (down_key is the key that was refused); limit_*: a connection limit learned from the provider; row:
-- of failures (failing_row.lua).
function _M.new()
  return { account = pause.new(), models = {}, missing = {}, refusals = suspicion.new(),
           down_reason = "", down_since_ms = 0, down_until_ms = 0, down_key = "", is_down_by_check = false,
           blocks = suspicion.new(), limit = 0, limit_until_ms = 0, well_since_ms = 0, error_class = "",
           error_cause = "", error_at_ms = 0, row = failing_row.new() }
end


-- The first record of an endpoint that the startup hints report as out of service: until then, or until its key changes.
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


local function with(map, name, value)
  local copy = copy_of(map)
  copy[name] = value
  return copy
end


local BACKS_OFF = {}

-- context.scope: the model whose backoff it is, nil: the account's.
local function back_off(record, kind, outcome, context)
  local scope = context.scope
  if scope then
    record.models = with(record.models, scope, pause.failed(record.models[scope] or pause.new(), kind, outcome, context))
  else
    record.account = pause.failed(record.account, kind, outcome, context)
    record.well_since_ms = 0
  end
  if outcome.limit and outcome.limit >= 1 then
    record.limit, record.limit_until_ms = outcome.limit, context.now_ms + LIMIT_MEMORY_MS
  end
end

for _, kind in ipairs({ "busy", "limited" }) do
  BACKS_OFF[kind] = function(record, outcome, context)
    back_off(record, kind, outcome, context)
  end
end

-- What a check has found lasts until the key changes or a check passes; what requests have found, for a while.
local function take_down(record, outcome, context)
  if record.down_reason ~= outcome.reason or record.down_key ~= context.key then
    record.down_since_ms = context.now_ms
  end
  record.down_reason, record.down_key = outcome.reason, context.key
  record.is_down_by_check = context.is_check == true
  local lasts = context.is_check and outcome.reason ~= "BalanceExhausted" and context.key ~= ""
  record.down_until_ms = lasts and 0 or context.now_ms + context.long_backoff_ms
  record.well_since_ms = 0
end

-- A spent balance is the account's by its own words, and what a check was refused is no request's fault. Neither is what
-- another key of the endpoint was answered (is_proved).
function BACKS_OFF.refused(record, outcome, context)
  if context.is_check or context.is_proved or outcome.reason == "BalanceExhausted" then
    return take_down(record, outcome, context)
  end
  record.refusals = suspicion.refused(record.refusals, context)
  if not suspicion.is_evident(record.refusals) then
    return
  end
  if context.scope and suspicion.model(record.refusals) then
    local out = pause.new()
    out.row, out.since_ms, out.first_ms = 1, context.now_ms, context.now_ms
    out.reason, out.is_asked = outcome.reason, true
    out.until_ms = context.now_ms + context.long_backoff_ms
    record.models = with(record.models, context.scope, out)
  else
    take_down(record, outcome, context)
  end
end

-- A firewall blocks some words, or this router. Different requests in a row that it blocks say the latter; half-open
-- requests find out when that ends.
function BACKS_OFF.blocked(record, outcome, context)
  record.blocks = suspicion.refused(record.blocks, context)
  if suspicion.is_evident(record.blocks) then
    record.account = pause.blocked(record.account, outcome, context)
    record.well_since_ms = 0
  end
end

function BACKS_OFF.waking(record, outcome, context)
  record.account, record.well_since_ms = pause.waking(record.account, outcome, context), 0
end

function BACKS_OFF.model(record, _, context)
  record.missing = missing_models.refused(record.missing, context)
end


-- The endpoint answered as it should, for a model. started_ms: when it was asked; an answer to what was sent before a
-- backoff began, or before it went out of service, says nothing against that. Gives also the transition, if it had been out
-- of service.
function _M.success(record, model, now_ms, started_ms)
  local own = record.models[model]
  if record.well_since_ms > 0 and record.account.row == 0 and record.down_reason == "" and not own
      and not record.refusals.seen[1] and not record.blocks.seen[1]
      and not failing_row.is_ended_by(record.row, started_ms) then
    return record
  end
  if started_ms < max(record.down_since_ms, record.account.since_ms, own and own.since_ms or 0) then
    return record
  end
  local well = copy_of(record)
  well.account, well.refusals, well.down_reason, well.down_key = pause.new(), suspicion.new(), "", ""
  well.blocks = suspicion.new()
  well.models = own and with(record.models, model, nil) or record.models
  well.well_since_ms = record.well_since_ms > 0 and record.well_since_ms or now_ms
  well.row = failing_row.is_ended_by(record.row, started_ms) and failing_row.new() or record.row
  return well, record.down_reason ~= "" and { from = "OutOfService", to = "InService", reason = "Answered" } or nil
end


-- An attempt failed. kind: what its class does (outcome.lua) or nil. outcome: class, reason, retry_after_ms, limit.
-- context: now_ms, started_ms (of the attempt), retry (policy), long_backoff_ms, key (the version of the key file that was
-- sent), asked (for what), model, scope (back_off), digest (of the request), is_check (a health check failed, no attempt),
-- is_outage (it counts for the row), is_proved (another key of the endpoint was not refused). Gives the record and, when
-- the endpoint went out of service by it, a transition.
function _M.failure(record, kind, outcome, context)
  local failed = copy_of(record)
  failed.error_class, failed.error_cause, failed.error_at_ms = outcome.class, cause(outcome), context.now_ms
  failed.row = context.is_outage and failing_row.failed(record.row, context.now_ms) or record.row
  if kind then
    BACKS_OFF[kind](failed, outcome, context)
  end
  if failed.down_reason ~= record.down_reason then
    return failed, { from = record.down_reason == "" and "InService" or record.down_reason, to = "OutOfService",
                     reason = failed.down_reason }
  end
  return failed
end


-- Health checks have passed often enough, and proved the key or the balance: what excluded the endpoint for the lack of
-- that ends. No more than that: a backoff that the provider set lasts to its end. What a check set, a check may end.
local PROVED_BY = { CredentialsRejected = "key", BalanceExhausted = "balance" }

function _M.proved(record, proves)
  local reason = record.down_reason
  local is_cleared = proves.key and record.refusals.seen[1] ~= nil
  if reason == "" or not record.is_down_by_check and not proves[PROVED_BY[reason]] then
    return is_cleared and with(record, "refusals", suspicion.new()) or record
  end
  local back = copy_of(record)
  back.refusals = suspicion.new()
  back.down_reason, back.down_key, back.is_down_by_check = "", "", false
  return back, { from = "OutOfService", to = "InService", reason = "HealthCheckPassed" }
end


-- The endpoint has listed its models. is_there: what may be asked for (a model on a surface) -> boolean.
function _M.listed(record, is_there, context)
  local missing = missing_models.listed(record.missing, is_there, context)
  return missing and with(record, "missing", missing) or record
end


function _M.is_down(record, key, now_ms)
  return record.down_reason ~= "" and record.down_key == key
    and (record.down_until_ms == 0 or now_ms < record.down_until_ms)
end


-- Has the endpoint answered that it does not have this (a model on a surface)?
function _M.is_missing(record, asked, now_ms)
  return now_ms < (record.missing[asked] or 0)
end


-- The backoffs that are in force for a model: the account's, its own.
local function in_force(record, model, now_ms)
  local account, own = record.account, record.models[model]
  return not pause.is_over(account, now_ms) and account or nil, own and not pause.is_over(own, now_ms) and own or nil
end


-- When a request for a model may be sent again, as far as backoffs go: not after now_ms where it may be sent now.
function _M.retry_at_ms(record, model, now_ms)
  local account, own = in_force(record, model, now_ms)
  return (max(account and pause.retry_at_ms(account) or 0, own and pause.retry_at_ms(own) or 0)) -- no call in the end
end


-- Would a request for the model be a half-open request? Yes, in a backoff that is too long for it to wait.
function _M.is_half_open(record, model, now_ms)
  local account, own = in_force(record, model, now_ms)
  return account ~= nil or own ~= nil
end


-- A request for the model is about to be sent. Gives the record, with the half-open request noted if it is one, and
-- whether it may go.
function _M.admit(record, model, now_ms)
  local account, own = in_force(record, model, now_ms)
  if not account and not own then
    return record, true
  end
  if now_ms < _M.retry_at_ms(record, model, now_ms) then
    return record, false
  end
  local tried = copy_of(record)
  tried.account = account and pause.tried(account, now_ms) or record.account
  tried.models = own and with(record.models, model, pause.tried(own, now_ms)) or record.models
  return tried, true
end


-- When this very request may be sent here again; nil: it was not refused with this key just now.
function _M.refused_until_ms(record, digest, key, now_ms)
  return suspicion.retry_at_ms(record.refusals, digest, key, now_ms)
end


-- May the endpoint get requests for this (a model on a surface)? key: the version of the key file there is now.
function _M.allows(record, asked, model, key, now_ms)
  return now_ms >= _M.retry_at_ms(record, model, now_ms)
    and not _M.is_missing(record, asked, now_ms)
    and not _M.is_down(record, key, now_ms)
end


-- When it will be back for a model, as its provider stated; nil when the provider stated no time, or it is back.
function _M.said_until_ms(record, model, now_ms)
  local account, own = in_force(record, model, now_ms)
  if (account or own) and (not account or account.is_said) and (not own or own.is_said) then
    return max(account and account.until_ms or 0, own and own.until_ms or 0)
  end
end


-- Why a backoff keeps requests for a model away; nil: none does.
function _M.reason(record, model, now_ms)
  local account, own = in_force(record, model, now_ms)
  return (account or own or {}).reason
end


-- The backoff in the status: the account's, or, when all of these models have one, the first that ends. nil: none.
function _M.shown(record, models, now_ms)
  if not pause.is_over(record.account, now_ms) then
    return record.account
  end
  local first
  for _, model in ipairs(models) do
    local _, own = in_force(record, model, now_ms)
    if not own then
      return nil
    end
    first = (not first or own.until_ms < first.until_ms) and own or first
  end
  return first
end


-- The connection limit that holds now: the declared one, or the lower one that the provider named.
function _M.ceiling(record, max_connections, now_ms)
  local is_named = record.limit > 0 and now_ms < record.limit_until_ms
  return is_named and min(record.limit, max_connections) or max_connections
end


return _M
