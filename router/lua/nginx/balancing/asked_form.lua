-- Is an endpoint asked for a stream where the caller wants a whole answer? By the policy, by what is asked for
-- (core/request/assembling.lua), and by what this endpoint has refused.

local addition_refusals = require "nginx.endpoint.addition_refusals"
local assembling = require "core.request.assembling"

local _M = {}


-- Could any endpoint be? is_asked_whole: of a request whose answer is too long to be put together.
function _M.may_assemble(request)
  return not request.parsed.stream and not request.is_asked_whole and request.surface.can_stream
    and request.doc.policy.streaming.whole_answers == "Stream"
end


function _M.is_assembled(request, endpoint)
  return _M.may_assemble(request) and assembling.is_possible(request.parsed, request.surface, endpoint.provider)
    and not addition_refusals.is_known(endpoint, addition_refusals.stream_of(request.asked))
    and not (request.surface.takes_usage and addition_refusals.is_known(endpoint, addition_refusals.USAGE))
end


return _M
