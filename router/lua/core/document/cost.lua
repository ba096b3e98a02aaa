-- What an answer cost, from the provider's token usage and the declared prices.
--
-- Prices are decimal text in the document and doubles here: fifteen digits, so a sum over a million answers is right to
-- far less than the smallest coin. A price for chat has two parts; for comparing endpoints they are mixed as a chat mixes
-- them, three tokens read for one written.
--
-- Its twin for probes is operator/poolkeeper/probing/pricing.py; tests/contract/router/usage.json is read by both.

local _M = {}

local MILLION = 1e6
local READ_PER_WRITTEN = 3
local TOKENS_MAX = 1e12 -- far more than any answer has; a sum never gets rid of an infinity, and of no NaN


-- What a document says of prices, as numbers.
function _M.pricing(said)
  local input = tonumber(said.input_per_million)
  return {
    currency = said.currency, input = input, output = tonumber(said.output_per_million),
    cached_input = said.cached_input_per_million and tonumber(said.cached_input_per_million) or input,
  }
end


-- Whole tokens as a provider counts them; nil where that is no number of them.
function _M.tokens(said)
  return type(said) == "number" and said >= 0 and said <= TOKENS_MAX and math.floor(said) or nil
end

local tokens = _M.tokens


-- Tokens of the prompt that came from the provider's cache, by whichever name it calls them.
local function cached_tokens(usage)
  local details = usage.prompt_tokens_details
  return tokens(usage.cached_tokens) or tokens(usage.prompt_cache_hit_tokens)
    or type(details) == "table" and tokens(details.cached_tokens) or 0
end


-- Tokens of the answer that were thought and not said.
local function reasoning_tokens(usage)
  local details = usage.completion_tokens_details
  return tokens(usage.reasoning_tokens) or type(details) == "table" and tokens(details.reasoning_tokens) or 0
end


-- What a usage counts: input with cached_input in it, output with reasoning in it.
function _M.counts(usage)
  local input, output = tokens(usage.prompt_tokens) or 0, tokens(usage.completion_tokens) or 0
  return { input = input, cached_input = math.min(cached_tokens(usage), input),
           output = output, reasoning = math.min(reasoning_tokens(usage), output) }
end


-- counts: as above. percent: of the price, now.
function _M.of_counts(pricing, counts, percent)
  local millionfold = (counts.input - counts.cached_input) * pricing.input + counts.cached_input * pricing.cached_input
    + counts.output * pricing.output
  return millionfold * percent / 100 / MILLION
end


-- usage: prompt_tokens and completion_tokens, and what was cached.
function _M.of(pricing, usage, percent)
  return _M.of_counts(pricing, _M.counts(usage), percent)
end


-- One number to compare endpoints of one currency by.
function _M.level(pricing, percent)
  return (READ_PER_WRITTEN * pricing.input + pricing.output) * percent / 100
end


return _M
