-- How long an attempt may take until something can be sent to its caller: to its first content, for a stream. A whole
-- answer has no visible first token: it may be generated for as long as the request lasts, in silence or behind blank
-- lines. While another endpoint could answer, that one gets half of the time that is left, so an endpoint that hangs
-- costs no answer.

local _M = {}


-- timeouts: of a policy. left_ms: of the request's time, if another endpoint could answer; else nil. The longest time in
-- milliseconds, from the attempt's start.
function _M.ms(timeouts, is_stream, left_ms)
  local limit_ms = is_stream and timeouts.first_token_ms or left_ms and left_ms / 2 or timeouts.request_ms
  return limit_ms < timeouts.request_ms and limit_ms or timeouts.request_ms
end


return _M
