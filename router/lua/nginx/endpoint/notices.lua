-- What requests have shown of an endpoint and one of its models that keeps nobody from using it, and that a person should
-- know: /state reports it until it is shown otherwise, or for a while.

local clock = require "nginx.shared.clock"
local state = require "nginx.shared.state"

local _M = {}

_M.BEGINS_ANEW = "BeginsAnew" -- it does not continue answers, as its capability PrefixCompletion says
_M.LEADS_BACK = "LeadsBack" -- a pool that leads back to this one, and to nothing else

local MEMORY_S = { [_M.BEGINS_ANEW] = 7200, [_M.LEADS_BACK] = 600 }


local function key_of(endpoint, model)
  return ("notice:%s\0%s"):format(endpoint.id, model)
end


-- The word, and since when; nil: nothing is known.
function _M.of(endpoint, model)
  local known = state.noted(key_of(endpoint, model))
  if known then
    return known:match("^%d+ (.*)$"), tonumber(known:match("^%d+"))
  end
end


function _M.note(endpoint, model, word)
  local known, since_ms = _M.of(endpoint, model)
  since_ms = known == word and since_ms or clock.now_ms()
  state.note(key_of(endpoint, model), ("%.0f %s"):format(since_ms, word), MEMORY_S[word])
end


-- It has shown otherwise.
function _M.forget(endpoint, model)
  if _M.of(endpoint, model) then
    state.note(key_of(endpoint, model), nil)
  end
end


return _M
