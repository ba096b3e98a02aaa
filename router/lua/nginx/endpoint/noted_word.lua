-- A word about an endpoint and one of its models that is remembered for a while, and since when it has been that one.

local state = require "nginx.shared.state"

local _M = {}


local function key_of(kind, endpoint, model)
  return ("%s:%s\0%s"):format(kind, endpoint.id, model)
end


-- The word, and since when; nil: nothing is known. kind: what the word is about.
function _M.of(kind, endpoint, model)
  local known = state.noted(key_of(kind, endpoint, model))
  if known then
    return known:match("^%d+ (.*)$"), tonumber(known:match("^%d+"))
  end
end


function _M.note(kind, endpoint, model, word, now_ms, memory_s)
  local known, since_ms = _M.of(kind, endpoint, model)
  since_ms = known == word and since_ms or now_ms
  state.note(key_of(kind, endpoint, model), ("%.0f %s"):format(since_ms, word), memory_s)
end


function _M.forget(kind, endpoint, model)
  if _M.of(kind, endpoint, model) then
    state.note(key_of(kind, endpoint, model), nil)
  end
end


return _M
