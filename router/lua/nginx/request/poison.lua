-- Requests that are the cause of their own failure: one that several endpoints answer with the same 5xx. It weighs once, at
-- the first endpoint; so do its repetitions within a short time, because client libraries send the very same body again, and
-- five tries would open every breaker. A request that some endpoint answers is none.

local digest = require "nginx.shared.digest"
local state = require "nginx.shared.state"

local _M = {}

local REMEMBERED_S = 30 -- the retries of a client library
local SLOTS = 1024 -- of shared memory; a newer request takes the place of an older one
local SLOT_DIGITS = 4


-- Where a request's mark is, and the mark: what it is, at which model, and how it failed.
local function mark_of(request, status)
  local id = digest.of_request(request.parsed)
  return ("poison:%d"):format(tonumber(id:sub(1, SLOT_DIGITS), 16) % SLOTS), ("%s %s %s"):format(id, request.asked, status)
end


-- A 5xx of an attempt. Is it the request's own fault?
function _M.failed(request, endpoint, status)
  local first = request.first_server_error
  if not first then
    request.first_server_error = { endpoint = endpoint.name, status = status }
    local slot, mark = mark_of(request, status)
    return state.noted(slot) == mark
  end
  if first.endpoint == endpoint.name or first.status ~= status then
    return false
  end
  local slot, mark = mark_of(request, status)
  if state.noted(slot) ~= mark then
    state.note(slot, mark, REMEMBERED_S) -- from the first time: a long outage of all endpoints is counted again and again
  end
  return true
end


-- An endpoint has answered it.
function _M.answered(request)
  local first = request.first_server_error
  if first then
    local slot, mark = mark_of(request, first.status)
    if state.noted(slot) == mark then
      state.note(slot, nil)
    end
  end
end


return _M
