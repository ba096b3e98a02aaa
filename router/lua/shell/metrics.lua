-- What is counted of requests. Each worker counts for itself and adds to the shared series once in a while: a request
-- touches no shared memory for it. Labels come from the document only, never from traffic.

local state = require "shell.state"

local _M = {}

local FIRST_TOKEN_BUCKETS = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
                              30, 60 }
local DURATION_BUCKETS = { 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
                           163.84, 327.68 }
local PER_TOKEN_BUCKETS = { 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5 }
local QUEUE_BUCKETS = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120 }
local TOKEN_BUCKETS = { 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304 }

_M.FIRST_TOKEN = { name = "gen_ai_server_time_to_first_token_seconds", buckets = FIRST_TOKEN_BUCKETS }
_M.DURATION = { name = "gen_ai_server_request_duration_seconds", buckets = DURATION_BUCKETS }
_M.PER_TOKEN = { name = "gen_ai_server_time_per_output_token_seconds", buckets = PER_TOKEN_BUCKETS }
_M.QUEUE_WAIT = { name = "poolkeeper_queue_wait_seconds", buckets = QUEUE_BUCKETS }
_M.TOKEN_USAGE = { name = "gen_ai_client_token_usage", buckets = TOKEN_BUCKETS }

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
