-- Answers that were complete and good, cached for the time when no endpoint can answer. Used for the identical request
-- only, never while an endpoint can answer. Cached by this router, in memory; the least recently used ones are dropped
-- first.

local cache_control = require "core.request.cache_control"
local cache_key = require "core.request.cache_key"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local completion = require "core.answer.completion"
local digest = require "nginx.shared.digest"
local state = require "nginx.shared.state"
local turn = require "nginx.shared.turn"

local _M = {}

local ANSWER_MAX_BYTES = 1024 * 1024


-- The key of a request's cached answer. Clients of a pool that knows its clients never see each other's answers, and the
-- holder of a client's new key none of the old key's. After the data policy has forbidden an endpoint, nobody gets an answer
-- from before.
local function key_of(request)
  local context, client = digest.new(), request.client
  local owner = client.name == "" and "" or client.cache_owner .. " " .. (client.key_version or "")
  if request.doc.forbidden ~= "" then
    owner = owner .. request.doc.forbidden
  end
  cache_key.say(request.surface.name, owner, request.query, request.asked_headers, request.parsed, digest, context,
                turn.pause)
  return digest.finish(context)
end


-- What the request's headers say: is its answer cached, and how old may a cached one be for it? The key is made now,
-- because a long request takes a while and the log phase, in which an answer is cached, cannot wait.
function _M.begin(request)
  if request.doc.policy.fallback.cache_ttl_ms > 0 then
    local headers = request.client_headers
    request.is_kept, request.kept_max_age_s = cache_control.of(headers["cache-control"], headers["pragma"])
    request.answer_key = key_of(request)
  end
end


local function body_of(request, answer)
  if not answer.events then
    return not answer.conn and answer.held
  end
  local reader = answer.events.reader
  local whole = request.transcript and reader.final and completion.knows(request.surface.name)
    and completion.of_stream(request.surface.name, request.transcript, reader.final, reader.usage, cjson.null)
  return whole and cjson.encode(whole)
end


-- After a good end (log phase).
function _M.keep(request, answer)
  if request.is_degraded or request.trimmed_turns or request.repaired then
    return -- not the answer to what was asked
  end
  local body = body_of(request, answer)
  if body and #body <= ANSWER_MAX_BYTES then
    state.keep_answer(request.answer_key, body, request.doc.policy.fallback.cache_ttl_ms / 1000,
                      math.floor(clock.now_ms() / 1000 + 0.5))
  end
end


-- The cached answer to this request as a body in the requested form, and its age; nil when there is none that its caller
-- accepts.
function _M.find(request)
  local body, given_s = state.kept_answer(request.answer_key)
  if not body then
    return nil
  end
  local age_s = math.max(0, math.floor(clock.now_ms() / 1000 - given_s))
  if age_s > request.kept_max_age_s then
    return nil
  end
  if request.parsed.stream then
    body = request.protocol.as_stream(body, request.surface.name, request.wants_usage)
  end
  return body, age_s
end


return _M
