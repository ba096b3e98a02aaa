-- When is a refused key the key's fault? A 401 or 403 may be about one model, one prompt, one region. So it takes nothing
-- out of service by itself; it is evidence that DIFFERENT requests were refused in a row, with no answer between them. All
-- of one model, while the endpoint has others: that model is out, not the endpoint. The very same request is not sent there
-- again for a while.

local _M = {}

local DIFFERENT = 3
local SAME_MS = 10000


-- seen: {digest (of the request), model, until_ms (not sent again before)}, the newest last
function _M.new()
  return { key = "", seen = {} }
end


-- A refusal. context: now_ms, key (version of the key that was shown), digest, model. A new record.
function _M.refused(before, context)
  local seen = {}
  for _, one in ipairs(before.key == context.key and before.seen or {}) do
    if one.digest ~= context.digest and #seen < DIFFERENT then
      seen[#seen + 1] = one
    end
  end
  if #seen == DIFFERENT then
    table.remove(seen, 1)
  end
  seen[#seen + 1] = { digest = context.digest, model = context.model, until_ms = context.now_ms + SAME_MS }
  return { key = context.key, seen = seen }
end


function _M.is_evident(record)
  return #record.seen >= DIFFERENT
end


-- The model that all refusals are about; nil: they are about several.
function _M.model(record)
  local model = record.seen[1] and record.seen[1].model
  for _, one in ipairs(record.seen) do
    if one.model ~= model then
      return nil
    end
  end
  return model
end


-- Was this very request refused just now? Gives when it may be sent there again.
function _M.retry_at_ms(record, digest, key, now_ms)
  for _, one in ipairs(record.key == key and record.seen or {}) do
    if one.digest == digest and now_ms < one.until_ms then
      return one.until_ms
    end
  end
end


return _M
