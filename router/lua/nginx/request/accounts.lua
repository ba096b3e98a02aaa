-- What each attempt cost, in tokens and money: by the provider's own account, else by an estimate
-- (core/metrics/estimate.lua). An estimate waits for the end of its request: another attempt may report the tokens of the
-- same request.

local cost = require "core.document.cost"
local declared = require "core.metrics.declared"
local estimate = require "core.metrics.estimate"
local metrics = require "nginx.shared.metrics"
local values = require "core.metrics.values"

local lumped = declared.lumped
local TOKEN_TYPES = values.TOKEN_TYPES

local _M = {}

-- Failures in which the provider generated something, or may have: it had begun to answer.
local BILLED = { SlowFirstToken = true, Stalled = true, Truncated = true, Deadline = true, Empty = true,
                 Incompatible = true }
local KIND_OF_GIVEN_UP = { Outpaced = "hedge" }


local function usage_of(attempt)
  return attempt.usage or attempt.reader and attempt.reader.usage
end


-- Providers write what they like: an account without a number is none.
local function counts_of(attempt)
  local usage = usage_of(attempt)
  local counts = usage and cost.counts(usage)
  return counts and (counts.input > 0 or counts.output > 0) and counts or nil
end


local function money_of(attempt, counts)
  return cost.of_counts(attempt.endpoint.pricing, counts, attempt.price_percent)
end


local function series_of(endpoint, model, client, kind)
  local series = { tokens = {}, of_client = {} }
  for _, token_type in ipairs(TOKEN_TYPES) do
    series.tokens[token_type] = metrics.series("poolkeeper_tokens_total", endpoint.name, token_type, kind)
    series.of_client[token_type] = metrics.series("poolkeeper_client_tokens_total", client, model, token_type)
  end
  if endpoint.pricing then
    local currency = endpoint.pricing.currency
    series.cost = metrics.series("poolkeeper_cost_total", endpoint.name, currency)
    series.spend = metrics.series("poolkeeper_spend_total", endpoint.name,
                                  lumped(endpoint.bounds, "poolkeeper_spend_total", model), kind, currency)
    series.client_spend = metrics.series("poolkeeper_client_spend_total", client, model, currency)
  end
  return series
end


local function within(map, key)
  local found = map[key]
  if not found then
    found = {}
    map[key] = found
  end
  return found
end


-- The series of an attempt, made once a document.
local function names(attempt, kind)
  local endpoint, model = attempt.endpoint, attempt.model
  local client = attempt.client and endpoint.bounds.clients[attempt.client.name] or declared.OTHER
  local known = within(within(within(endpoint, "account_series"), model), client)
  known[kind] = known[kind] or series_of(endpoint, model, client, kind)
  return known[kind]
end


local function add(known, token_type, amount)
  if amount > 0 then
    metrics.count(known.tokens[token_type], amount)
    metrics.count(known.of_client[token_type], amount)
  end
end


-- The types one by one (values.TOKEN_TYPES): a loop of four turns costs more.
local function book(attempt, kind, counts)
  local known = names(attempt, kind)
  attempt.kind, attempt.counts = kind, counts
  add(known, "input", counts.input)
  add(known, "cached_input", counts.cached_input)
  add(known, "output", counts.output)
  add(known, "reasoning", counts.reasoning)
  if known.cost then
    local money = money_of(attempt, counts)
    attempt.money = money
    metrics.count(known.cost, money)
    metrics.count(known.spend, money)
    metrics.count(known.client_spend, money)
  end
end


local learned = {} -- endpoint id -> model -> rates; a new document (each probe status is one) takes nothing from them

local function rates_of(attempt)
  local known = within(learned, attempt.endpoint.id)
  known[attempt.model] = known[attempt.model] or estimate.new()
  return known[attempt.model]
end


local function body_bytes(attempt)
  return #(attempt.parsed or attempt.asking).body
end


-- An attempt is over. kind: core/metrics/values.lua's.
local function enter(attempt, kind)
  local endpoint, counts = attempt.endpoint, counts_of(attempt)
  if attempt.is_booked then
    return
  end
  attempt.is_booked = true
  if endpoint.pricing then
    attempt.price_percent = endpoint.price_percent
  end
  if counts then
    if not attempt.continues then
      attempt.account.input = attempt.account.input or counts.input
    end
    return book(attempt, kind, counts)
  end
  local account = attempt.account
  account[#account + 1] = { attempt = attempt, kind = kind }
end


-- It came to its proper end, whole.
function _M.answered(attempt)
  local counts = counts_of(attempt)
  if counts then
    estimate.learn(rates_of(attempt), body_bytes(attempt), attempt.reader and attempt.reader.contents or 0, counts)
  end
  if counts or attempt.surface.can_stream then
    enter(attempt, "answer")
  end
end


function _M.failed(attempt, failure)
  if counts_of(attempt) or attempt.has_begun and (BILLED[failure.class] or failure.reason == "WrongModel") then
    enter(attempt, attempt.first_content_ms > 0 and "cut" or "retry")
  end
end


-- Its caller went, or another endpoint was faster (why: Outpaced).
function _M.given_up(attempt, why)
  if attempt.has_begun then
    enter(attempt, KIND_OF_GIVEN_UP[why] or "cut")
  end
end


-- At the end of a request: what was left open in its account.
function _M.settle(account)
  for i = 1, #account do
    local attempt, kind = account[i].attempt, account[i].kind
    local events = attempt.reader and attempt.reader.contents or 0
    local counts = estimate.of(rates_of(attempt), not attempt.continues and account.input or nil, body_bytes(attempt),
                               events, attempt.held_bytes or 0)
    attempt.is_estimated = true
    book(attempt, kind, counts)
  end
end


return _M
