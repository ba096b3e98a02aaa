-- How long an attempt may take until its caller may be told something: to its first content where it is streamed. Of a whole
-- answer no first token can be seen: it may be generated for as long as the request lasts, in silence or behind blank lines.

local min = math.min

local _M = {}


-- timeouts: of a policy. The longest time in milliseconds, from the attempt's start.
function _M.ms(timeouts, is_stream)
  if is_stream then
    return min(timeouts.first_token_ms, timeouts.request_ms)
  end
  return timeouts.request_ms
end


return _M
