-- What is counted. Each worker counts for itself and adds to the shared series once in a while: a request touches no shared
-- memory for it. Names come from core/metrics/series.lua; labels from the document and from fixed lists, never from traffic.

local series = require "core.metrics.series"
local series_store = require "nginx.shared.series_store"

local _M = {}

_M.series = series.of

local SEEN_MAX = 64 -- values are sorted into buckets so many at once, in a loop that LuaJIT compiles
local counts = {} -- series -> amount since the last flush
local histograms = {} -- the name of its count -> {parts, counted, sum, count}


function _M.count(name, amount)
  counts[name] = (counts[name] or 0) + (amount or 1)
end


-- A histogram or summary, by the values of its labels. Keep what you get: observing into it is storing a number.
function _M.histogram(family, ...)
  local parts = series.parts(family, ...)
  local histogram = histograms[parts.count]
  if not histogram then
    histogram = { parts = parts, bounds = parts.bounds, counted = {}, sum = 0, count = 0, seen = {}, seen_count = 0 }
    for i = 1, #parts.bounds do
      histogram.counted[i] = 0
    end
    histograms[parts.count] = histogram
  end
  return histogram
end


local function sort_in(histogram)
  local bounds, counted, seen = histogram.bounds, histogram.counted, histogram.seen
  for k = 1, histogram.seen_count do
    local value = seen[k]
    for i = 1, #bounds do
      if value <= bounds[i] then
        counted[i] = counted[i] + 1
        break
      end
    end
    histogram.sum = histogram.sum + value
  end
  histogram.count, histogram.seen_count = histogram.count + histogram.seen_count, 0
end


function _M.observe(histogram, value)
  local count = histogram.seen_count + 1
  histogram.seen[count], histogram.seen_count = value, count
  if count == SEEN_MAX then
    sort_in(histogram)
  end
end


local function flush_histogram(histogram)
  sort_in(histogram)
  if histogram.count == 0 then
    return
  end
  local parts, counted, running = histogram.parts, histogram.counted, 0
  for i = 1, #counted do
    running = running + counted[i]
    series_store.add(parts.buckets[i], running)
    counted[i] = 0
  end
  if parts.buckets[1] then
    series_store.add(parts.buckets[#parts.buckets], histogram.count)
  end
  series_store.add(parts.sum, histogram.sum)
  series_store.add(parts.count, histogram.count)
  histogram.sum, histogram.count = 0, 0
end


function _M.flush()
  for name, amount in pairs(counts) do
    series_store.add(name, amount)
  end
  counts = {}
  for _, histogram in pairs(histograms) do
    flush_histogram(histogram)
  end
end


return _M
