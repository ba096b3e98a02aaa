-- Which of a caller's headers reach a provider: those of a list, and no others. A company's proxies add unknown headers
-- (identities, tokens, addresses), so a list of forbidden ones is never complete. A header that may change what a model
-- answers is part of the request (core/request/cache_key.lua).

local concat = table.concat
local find = string.find
local gsub = string.gsub
local lower = string.lower
local sort = table.sort
local sub = string.sub

local _M = {}

local PLAIN, ASKED = "plain", "asked" -- passes; passes, and may change the answer

local NAMES = {
  -- content negotiation, in so far as it is not written here
  ["accept"] = PLAIN, ["accept-language"] = ASKED, ["user-agent"] = PLAIN,
  -- tracing (W3C, B3); no baggage, which carries whatever its sender likes
  ["traceparent"] = PLAIN, ["tracestate"] = PLAIN, ["b3"] = PLAIN,
  -- OpenAI's and Anthropic's APIs; never OpenAI-Organization or OpenAI-Project: the endpoint's key has its own
  ["openai-beta"] = ASKED, ["idempotency-key"] = PLAIN,
  -- aggregators: the app that asks, and the session that a provider's cache goes by
  ["http-referer"] = PLAIN, ["x-title"] = PLAIN, ["x-session-id"] = PLAIN, ["x-session-affinity"] = PLAIN,
}
local PREFIXES = {
  { "anthropic-", ASKED }, -- version, beta
  { "x-stainless-", PLAIN }, -- official client libraries say of themselves which they are
  { "x-b3-", PLAIN },
  { "x-openrouter-", ASKED },
  { "x-dashscope-", ASKED },
}


-- Read here, and never forwarded.
local OWN = {
  ["authorization"] = true, ["x-api-key"] = true, ["api-key"] = true, ["content-type"] = true, ["content-encoding"] = true,
  ["cache-control"] = true, ["x-request-id"] = true, ["x-poolkeeper-priority"] = true,
  ["x-poolkeeper-debug"] = true, ["x-poolkeeper-pools"] = true,
}
local KNOWN_MAX = 1000 -- names come from callers: what is remembered of them has a limit

local known, known_count = {}, 0 -- name -> PLAIN, ASKED or false


-- Names that begin as ones that pass, but hold a secret.
local SECRETS = { "key", "token", "secret", "auth", "password", "credential" }

local function is_secret(name)
  for i = 1, #SECRETS do
    if find(name, SECRETS[i], 1, true) then
      return true
    end
  end
  return false
end


local function judge(name)
  local kind = NAMES[name] or false
  for i = 1, #PREFIXES do
    local prefix = PREFIXES[i][1]
    kind = kind or sub(name, 1, #prefix) == prefix and not is_secret(name) and PREFIXES[i][2]
  end
  if known_count >= KNOWN_MAX then
    known, known_count = {}, 0
  end
  known[name], known_count = kind, known_count + 1
  return kind
end


local NO_NAMES = { ["keep-alive"] = true, ["Keep-Alive"] = true, ["close"] = true }

-- the names that a Connection header lists; nil where that is of no interest
local function listed(connection)
  if not connection or NO_NAMES[connection] then
    return nil
  end
  local names = {}
  for name in (type(connection) == "table" and concat(connection, ",") or connection):gmatch("[^,%s]+") do
    names[name:lower()] = true
  end
  return names
end


local function kind_of(name, hop_by_hop)
  local kind = known[name]
  if kind == nil then
    kind = judge(name)
  end
  return kind and not (hop_by_hop and hop_by_hop[name]) and kind
end


-- Does the router read this header of a caller, or forward it?
function _M.is_read(name)
  return OWN[name] or kind_of(name) and true or false
end


local function as_text(asked)
  if not asked then
    return ""
  end
  sort(asked)
  return concat(asked, "\r\n\r\n")
end


local parts = { "\r\nContent-Type: application/json" } -- used again and again: nothing waits in there

-- headers: lower-case name -> value or list of values. The lines for the provider, each with CRLF before it; and what of
-- them may change the answer, as text that only equal ones share, "" when there is none.
function _M.forwarded(headers)
  local count, asked = 1, nil
  local hop_by_hop = listed(headers.connection)
  for name, value in pairs(headers) do
    local kind = kind_of(name, hop_by_hop)
    if kind then
      value = type(value) == "table" and concat(value, "\r\n" .. name .. ": ") or tostring(value)
      parts[count + 1], parts[count + 2], parts[count + 3], parts[count + 4] = "\r\n", name, ": ", value
      count = count + 4
    end
    if kind == ASKED then
      asked = asked or {}
      asked[#asked + 1] = name .. ": " .. value
    end
  end
  if count == 1 then
    return parts[1], ""
  end
  local text = concat(parts, "", 1, count)
  return text, as_text(asked)
end


-- An endpoint's own headers, ready for use: a list of {name, value}, value nil where the caller's is left out. nil when
-- there are none.
function _M.prepare(list)
  if #list == 0 then
    return nil
  end
  local own, lines = { names = {} }, {}
  for i, header in ipairs(list) do
    own.names[header.name] = true
    lines[i] = header.value and "\r\n" .. header.name .. ": " .. header.value or ""
  end
  own.lines = concat(lines)
  return own
end


-- The lines of forwarded for an endpoint that has headers of its own.
function _M.with_own(forwarded, own)
  local kept = gsub(forwarded, "\r\n([^:\r]+)(:[^\r]*)", function(name)
    return own.names[lower(name)] and "" or nil
  end)
  return kept .. own.lines
end


return _M
