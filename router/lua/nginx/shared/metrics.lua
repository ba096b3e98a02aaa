-- What is counted of requests. Each worker counts for itself and adds to the shared series once in a while: a request
-- touches no shared memory for it. Labels come from the document only, never from traffic.

local exposition = require "core.document.exposition"
local state = require "nginx.shared.state"

local _M = {}

local function histogram_family(name)
  return { name = name, buckets = exposition.FAMILIES[name][4] }
end


_M.FIRST_TOKEN = histogram_family("gen_ai_server_time_to_first_token_seconds")
_M.DURATION = histogram_family("gen_ai_server_request_duration_seconds")
_M.PER_TOKEN = histogram_family("gen_ai_server_time_per_output_token_seconds")
_M.QUEUE_WAIT = histogram_family("poolkeeper_queue_wait_seconds")
_M.TOKEN_USAGE = histogram_family("gen_ai_client_token_usage")

local counts = {} -- series -> amount since the last flush
local histograms = {} -- series name and labels -> {family, labels, bucket counts, sum, count}


function _M.label(value)
  return (tostring(value):gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }))
end


function _M.count(series, amount)
  counts[series] = (counts[series] or 0) + (amount or 1)
end


-- labels: `a="b",c="d"`. Keep what you get: observing into it is then one loop over the buckets.
function _M.histogram(family, labels)
  local key = family.name .. "{" .. labels
  local histogram = histograms[key]
  if not histogram then
    histogram = { family = family, labels = labels, buckets = {}, sum = 0, count = 0 }
    for i = 1, #family.buckets do
      histogram.buckets[i] = 0
    end
    histograms[key] = histogram
  end
  return histogram
end


function _M.observe(histogram, value)
  local bounds, buckets = histogram.family.buckets, histogram.buckets
  for i = 1, #bounds do
    if value <= bounds[i] then
      buckets[i] = buckets[i] + 1
      break
    end
  end
  histogram.sum = histogram.sum + value
  histogram.count = histogram.count + 1
end


local function flush_histogram(histogram)
  if histogram.count == 0 then
    return
  end
  local family, labels, running = histogram.family, histogram.labels, 0
  for i = 1, #family.buckets do
    running = running + histogram.buckets[i]
    state.add_to_series(('%s_bucket{%s,le="%s"}'):format(family.name, labels, family.buckets[i]), running)
    histogram.buckets[i] = 0
  end
  state.add_to_series(('%s_bucket{%s,le="+Inf"}'):format(family.name, labels), histogram.count)
  state.add_to_series(("%s_sum{%s}"):format(family.name, labels), histogram.sum)
  state.add_to_series(("%s_count{%s}"):format(family.name, labels), histogram.count)
  histogram.sum, histogram.count = 0, 0
end


function _M.flush()
  for series, amount in pairs(counts) do
    state.add_to_series(series, amount)
  end
  counts = {}
  for _, histogram in pairs(histograms) do
    flush_histogram(histogram)
  end
end


return _M
