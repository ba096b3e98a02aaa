-- The conversations of this router's callers, where affinity is on: the name of each, its place, and the endpoint that
-- answered it last. A conversation is remembered for the policy's ttl after its last answer; a provider's prefix cache
-- hardly lives longer. Only a hash of its start is stored, never its text.

local affinity = require "core.balancing.affinity"
local conversation = require "core.balancing.conversation"
local digest = require "nginx.shared.digest"
local metrics = require "nginx.shared.metrics"
local state = require "nginx.shared.state"
local turn = require "nginx.shared.turn"

local match = string.match

local _M = {}


local function start_of(request)
  return request.surface.can_stream and conversation.start(request.parsed.body, request.parsed.members, turn.pause)
end


local function name_of(request, settings)
  if settings.mode == "Header" then
    local value = request.client_headers[settings.header]
    return type(value) == "table" and value[1] or value
  end
  return start_of(request)
end


local function hash_of(model, name)
  local context = digest.new()
  digest.add(context, model, 1, #model)
  digest.add(context, "\0", 1, 1)
  digest.add(context, name, 1, #name)
  return digest.finish(context)
end


-- The conversation that a request belongs to; nil when that is unknown: then the request is placed like any other.
function _M.of(request, settings)
  local name = name_of(request, settings)
  if type(name) ~= "string" or name == "" then
    return nil
  end
  local hash = hash_of(request.model, name)
  local home, last = match(state.conversation(hash) or "", "^(%S+) (%S+)$")
  return { hash = hash, number = affinity.number(hash), home = home, last = last, ttl_ms = settings.ttl_ms }
end


-- The number by which an endpoint's keys are chosen: of its conversation, also where affinity is off; nil: it has none.
function _M.key_number(request)
  if request.conversation then
    return request.conversation.number
  end
  local start = start_of(request)
  return start and affinity.number(hash_of(request.model, start))
end


-- It was answered there, and place is its place from now on. Another endpoint than the last one means that a prefix cache
-- was lost, and that is counted.
function _M.answered(found, endpoint, place)
  if found.last and found.last ~= endpoint.name then
    metrics.count(metrics.series("poolkeeper_affinity_broken_total", found.last))
  end
  if found.ttl_ms > 0 then
    state.remember_conversation(found.hash, place .. " " .. endpoint.name, found.ttl_ms / 1000)
  end
end


return _M
