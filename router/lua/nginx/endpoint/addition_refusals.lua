-- Which endpoints refuse what the router adds to requests: stream_options (a request for token usage), or a stream where the
-- caller wants a whole answer. Such an endpoint gets requests without it as long as that is remembered. Servers are
-- updated, so it is not for ever.

local state = require "nginx.shared.state"

local _M = {}

local REMEMBERED_S = 3600
local PREFIX = "addition refused:"

_M.USAGE = "usage"


-- Of streams for whole answers, by the surface and the model (asked): a server may stream some and not others.
function _M.stream_of(asked)
  return asked
end


local function key_of(endpoint, what)
  local keys = endpoint.addition_keys
  if not keys then
    keys = {}
    endpoint.addition_keys = keys
  end
  keys[what] = keys[what] or PREFIX .. endpoint.id .. ":" .. what
  return keys[what]
end


function _M.is_known(endpoint, what)
  return state.counted(key_of(endpoint, what)) > 0
end


function _M.note(endpoint, what)
  state.count(key_of(endpoint, what), 1, REMEMBERED_S)
end


return _M
