-- The series of metrics, summed over the workers; listed in the order in which they came, so that a scrape asks for no keys.

local metrics = ngx.shared.poolkeeper_metrics

local _M = {}

local SERIES_MAX = 65536
local LISTED, LIST_VERSION, DROPPED = "#", "#version", "poolkeeper_series_dropped_total"


-- Makes a series that is there from now on, at 0. False: there is no place for it.
function _M.declare(series)
  if metrics:get(series) ~= nil then
    return true
  end
  if (metrics:get(LISTED) or 0) >= SERIES_MAX and series ~= DROPPED then
    return false
  end
  local is_new, err = metrics:safe_add(series, 0)
  if is_new then
    metrics:set(LISTED .. metrics:incr(LISTED, 1, 0), series)
  end
  return is_new or err == "exists"
end


function _M.add(series, amount)
  if not metrics:incr(series, amount) then
    if _M.declare(series) then
      metrics:incr(series, amount)
    else
      metrics:incr(DROPPED, 1, 0)
    end
  end
end


-- Of a gauge that a worker measures by itself.
function _M.set(series, value)
  if _M.declare(series) then
    metrics:set(series, value)
  end
end


function _M.get(name)
  return metrics:get(name) or 0
end


-- Calls see(series) for each one after the first `known`. Gives how many there are, and the version of the list: with
-- another version it is another list.
function _M.each(known, see)
  local last = metrics:get(LISTED) or 0
  for i = known + 1, last do
    local series = metrics:get(LISTED .. i)
    if not series then
      return i - 1
    end
    see(series)
  end
  return last
end


function _M.version()
  return metrics:get(LIST_VERSION) or 0
end


-- When more than half of the places are taken: drops the series that keep(series) does not want.
function _M.sweep(keep)
  local last, kept = metrics:get(LISTED) or 0, 0
  if last <= SERIES_MAX / 2 then
    return
  end
  for i = 1, last do
    local series = metrics:get(LISTED .. i)
    metrics:delete(LISTED .. i)
    if series and keep(series) then
      kept = kept + 1
      metrics:set(LISTED .. kept, series)
    elseif series then
      metrics:delete(series)
    end
  end
  metrics:set(LISTED, kept)
  metrics:incr(LIST_VERSION, 1, 0)
end


return _M
