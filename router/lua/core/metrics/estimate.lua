-- Tokens of an attempt that its provider has not counted, because it was cut, given up or left: what was sent and what came
-- of the answer, by what complete answers of the same endpoint and model had. Providers bill these tokens, and do not say.

local _M = {}

local TOKENS_PER_BYTE, TOKENS_PER_EVENT = 0.25, 1 -- until an answer is complete
local NEW, NEW_CACHED = 0.2, 0.5 -- weight of one more answer; what is in a cache changes faster than a tokenizer


-- What is learned: rates of one model at one endpoint.
function _M.new()
  return { per_byte = TOKENS_PER_BYTE, per_event = TOKENS_PER_EVENT, cached_share = 0, is_learned = false }
end


local function mixed(rates, known, sample, weight)
  return rates.is_learned and known + weight * (sample - known) or sample
end


-- A complete answer: bytes of the request's body, events with content (0: no stream), counts of core/document/cost.lua.
function _M.learn(rates, bytes, events, counts)
  if bytes > 0 and counts.input > 0 then
    rates.per_byte = mixed(rates, rates.per_byte, counts.input / bytes, NEW)
    rates.cached_share = mixed(rates, rates.cached_share, counts.cached_input / counts.input, NEW_CACHED)
    if events > 0 then
      rates.per_event = mixed(rates, rates.per_event, counts.output / events, NEW)
    end
    rates.is_learned = true
  end
end


-- input: tokens of the request if another attempt has reported them. held_bytes: of an answer that is no stream.
function _M.of(rates, input, bytes, events, held_bytes)
  local output = events > 0 and events * rates.per_event or held_bytes * TOKENS_PER_BYTE
  input = input or math.floor(bytes * rates.per_byte + 0.5)
  return { input = input, cached_input = math.floor(input * rates.cached_share + 0.5),
           output = math.floor(output + 0.5), reasoning = 0 }
end


return _M
