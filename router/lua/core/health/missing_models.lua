-- What an endpoint does not have: what may be asked for (a model on a surface) -> until when that is believed. A refusal
-- says so, or the endpoint's own list. context: now_ms, long_backoff_ms (so long), asked.

local _M = {}


-- Gives a new table.
function _M.refused(before, context)
  local missing = {}
  for asked, until_ms in pairs(before) do
    if until_ms > context.now_ms then
      missing[asked] = until_ms
    end
  end
  missing[context.asked] = context.now_ms + context.long_backoff_ms
  return missing
end


-- is_there: what may be asked for -> boolean. Gives a new table; nil: the list says nothing new.
function _M.listed(before, is_there, context)
  local missing, differs = {}, false
  for asked, until_ms in pairs(before) do
    missing[asked] = not is_there[asked] and until_ms or nil
    differs = differs or is_there[asked] == true
  end
  for asked, there in pairs(is_there) do
    if not there and (missing[asked] or 0) - context.now_ms < context.long_backoff_ms / 2 then
      missing[asked], differs = context.now_ms + context.long_backoff_ms, true
    end
  end
  return differs and missing or nil
end


-- Until when all of this is missing (an endpoint's models, for chat); nil: something of it is not, or there is nothing.
function _M.all_until_ms(missing, all_asked, now_ms)
  local first
  for _, asked in ipairs(all_asked) do
    local until_ms = missing[asked] or 0
    if now_ms >= until_ms then
      return nil
    end
    first = math.min(first or until_ms, until_ms)
  end
  return first
end


return _M
