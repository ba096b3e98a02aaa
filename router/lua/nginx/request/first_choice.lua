-- What the first choice of a model would have made of a request by itself: what a caller without a pool would have got. The
-- first choice is the endpoint of the lowest tier with the highest declared weight, and of those the first in the document.
-- Where it was asked, its first try says so; where it was not, whether the router knew that it was out.

local candidates = require "nginx.balancing.candidates"
local health_records = require "nginx.endpoint.health_records"
local metrics = require "nginx.shared.metrics"

local _M = {}


local function is_before(one, other)
  return not other or one.tier < other.tier or one.tier == other.tier and one.weight > other.weight
end


local function choice_of(doc, surface, model)
  local first
  for _, endpoint in ipairs(doc.endpoints) do
    if endpoint.places[surface] and endpoint.routes[model] and endpoint.mode == "Active" and endpoint.weight > 0
        and is_before(endpoint, first) then
      first = endpoint
    end
  end
  return first or false
end


-- The first choice for what is asked (a model on a surface); false when there is none.
local function first_of(request)
  local known = request.doc.first_choices
  local first = known[request.asked]
  if first == nil then
    first = choice_of(request.doc, request.surface.name, request.model)
    known[request.asked] = first
  end
  return first
end


local function is_down(request, endpoint, now_ms)
  local route = endpoint.routes[request.model]
  return not candidates.may_be(request, endpoint, route, now_ms) or health_records.is_failing(endpoint) or false
end


-- The first attempt of a request is about to be made.
function _M.begin(request, attempt, now_ms)
  if request.first_choice then
    return
  end
  request.first_choice = first_of(request)
  if request.first_choice and attempt.endpoint ~= request.first_choice then
    request.first_result = is_down(request, request.first_choice, now_ms) and "down" or nil
  end
end


-- An attempt has ended; result: answered, failed, or unknown where it says nothing about the endpoint.
function _M.ended(request, attempt, result)
  if attempt.endpoint == request.first_choice and not request.first_result then
    request.first_result = result
  end
end


local models = {} -- model -> result -> its series; models come from documents only

local function series_of(model, result)
  local known = models[model] or {}
  models[model] = known
  known[result] = known[result] or metrics.series("poolkeeper_first_choice_total", model, result)
  return known[result]
end


-- The request has ended.
function _M.count(request, model, now_ms)
  if request.first_choice == nil and request.asked ~= "" then
    request.first_choice = first_of(request)
    request.first_result = request.first_choice and is_down(request, request.first_choice, now_ms) and "down" or nil
  end
  if request.first_choice then
    metrics.count(series_of(model, request.first_result or "unknown"))
  end
end


return _M
