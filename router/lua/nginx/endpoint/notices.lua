-- What requests have shown of an endpoint and one of its models that keeps nobody from using it, and that a person should
-- know: /state reports it until it is shown otherwise, or for a while.

local clock = require "nginx.shared.clock"
local noted_word = require "nginx.endpoint.noted_word"

local _M = {}

_M.BEGINS_ANEW = "BeginsAnew" -- it does not continue answers, as its capability PrefixCompletion says
_M.LEADS_BACK = "LeadsBack" -- a pool that leads back to this one, and to nothing else

local KIND = "notice"
local MEMORY_S = { [_M.BEGINS_ANEW] = 7200, [_M.LEADS_BACK] = 600 }


-- The word, and since when; nil: nothing is known.
function _M.of(endpoint, model)
  return noted_word.of(KIND, endpoint, model)
end


function _M.note(endpoint, model, word)
  noted_word.note(KIND, endpoint, model, word, clock.now_ms(), MEMORY_S[word])
end


-- It has shown otherwise.
function _M.forget(endpoint, model)
  noted_word.forget(KIND, endpoint, model)
end


return _M
