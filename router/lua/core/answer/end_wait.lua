-- How long the router waits for more after a finish. The caller already has the text, but does not know yet that it is
-- complete.

local min = math.min

local _M = {}

local AFTER_DONE_MS = 500 -- the account, once [DONE] has come: nearly always the stream ends there and then
local DONE_MS = 1000 -- [DONE], once the account of tokens has come
local MORE_MS = 3000 -- the rest of an answer whose provider said "stop" too early, more tool calls, [DONE]
local USAGE_MS = 15000 -- the account that the caller asked for: some providers count for seconds


-- events: the stream, which has finished. request: surface, wants_usage, inter_token_ms (nil: no bound of the policy).
function _M.ms(events, request, inter_token_ms)
  local wait_ms = events.reader.is_done and AFTER_DONE_MS or events.reader.is_accounted and DONE_MS
    or request.surface.takes_usage and request.wants_usage and USAGE_MS or MORE_MS
  return min(wait_ms, inter_token_ms or wait_ms)
end


return _M
