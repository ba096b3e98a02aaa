-- Which endpoints refuse stream_options (a request for token usage), which the router adds to streams. Such an endpoint
-- gets requests without it as long as that is remembered. Servers are updated, so it is not for ever.

local state = require "nginx.shared.state"

local _M = {}

local REMEMBERED_S = 3600
local PREFIX = "usage refused:"


function _M.is_known(endpoint)
  return state.counted(PREFIX .. endpoint.id) > 0
end


function _M.note(endpoint)
  state.count(PREFIX .. endpoint.id, 1, REMEMBERED_S)
end


return _M
