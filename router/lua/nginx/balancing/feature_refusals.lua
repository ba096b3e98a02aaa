-- Which endpoints have refused a feature of requests for a model (tools, images, a schema): they get such requests only
-- when no other endpoint can, as long as this worker remembers. Servers are restarted, so that is not for ever.

local features = require "core.request.features"

local _M = {}

local REMEMBERED_MS = 600000

local known = {} -- endpoint's id, model and feature -> until


local function key(id, model, feature)
  return id .. "\0" .. model .. "\0" .. feature
end


-- An attempt was refused as NotSupported.
function _M.note(attempt, failure, now_ms)
  local feature = failure.answer and features.refused(attempt.asking.body, failure.answer.body)
  if feature then
    known[key(attempt.endpoint.id, attempt.model, feature)] = now_ms + REMEMBERED_MS
  end
end


-- The candidates that have not refused what the request needs; all of them when there is none.
function _M.leave_out(candidates, request, now_ms)
  if not next(known) or not request.parsed or not candidates[2] then
    return candidates
  end
  request.features = request.features or features.of(request.parsed.body) -- nothing may wait here
  local kept = {}
  for i = 1, #candidates do
    local is_refused = false
    for _, feature in ipairs(request.features) do
      is_refused = is_refused or (known[key(candidates[i].endpoint.id, request.model, feature)] or 0) > now_ms
    end
    kept[#kept + 1] = not is_refused and candidates[i] or nil
  end
  return kept[1] and kept or candidates
end


return _M
