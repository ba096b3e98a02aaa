-- One line of the request log: JSON, written by hand because it is written for each request. What comes from outside has
-- been checked or is escaped here; there is no body, no header and no key in it.

local concat, format, gsub = table.concat, string.format, string.gsub

local _M = {}

local CONTROL = { ['"'] = '\\"', ["\\"] = "\\\\" }
local TEXT_MAX_BYTES = 128

-- A function that ends in a call of a builtin is not compiled: hence the local variable before each return. Each text that
-- is made on the way is garbage: hence long formats, and parts that are kept.
local REQUEST = '{"time":"%s.%03dZ","request":"%s","trace":"%s","span":"%s"%s%s%s,"client":%s,"api":"%s","model":%s,'
  .. '"stream":%s,"status":%d,"outcome":"%s","duration_ms":%d%s%s%s,"attempts":[%s]}'
local ATTEMPT = '{%s,"span":"%s","start_ms":%d,"duration_ms":%d%s%s%s%s%s%s%s}'
local SPENT = ',"kind":"%s","tokens":{"input":%d,"cached_input":%d,"output":%d,"reasoning":%d}%s%s'


local function escaped(char)
  return CONTROL[char] or "?"
end


-- As a JSON string: bounded, and in ASCII.
function _M.text(value)
  local short = #value > TEXT_MAX_BYTES and value:sub(1, TEXT_MAX_BYTES) or value
  if short:find('[%c"\\\127-\255]') then
    short = gsub(short, '[%c"\\\127-\255]', escaped)
  end
  return '"' .. short .. '"'
end

local KNOWN_MAX = 1000
local known, known_count = {}, 0 -- texts that come again and again (names, models, fingerprints): before -> text -> both


-- before: what stands before the text.
local function text(before, value)
  local texts = known[before]
  local found = texts and texts[value]
  if not found then
    if known_count >= KNOWN_MAX then
      known, known_count = {}, 0
    end
    known[before] = known[before] or {}
    found = before .. _M.text(value)
    known[before][value], known_count = found, known_count + 1
  end
  return found
end


-- What may be absent: of the router's own words, and of those that came from outside.
local function own(before, word)
  return word and text(before, word) or ""
end


local function said(before, value)
  return type(value) == "string" and text(before, value) or ""
end


local function number(name, value)
  return value and format(',"%s":%d', name, value) or ""
end


local statuses = {} -- of HTTP: three digits

local function status_of(status)
  if not status then
    return ""
  end
  statuses[status] = statuses[status] or number("status", status)
  return statuses[status]
end


local function spent(one)
  local counts = one.counts
  if not counts then
    return ""
  end
  local cost = one.cost and format(',"cost":%.9g,"currency":"%s"', one.cost, one.currency) or ""
  local json = format(SPENT, one.kind, counts.input, counts.cached_input, counts.output, counts.reasoning,
                      one.is_estimated and ',"estimated":true' or "", cost)
  return json
end


-- What most requests have none of.
local function notes_of(request)
  if not (request.fallback or request.repaired or request.trimmed_turns or request.continued) then
    return ""
  end
  return own(',"fallback":', request.fallback) .. said(',"repaired":', request.repaired)
    .. number("trimmed_turns", request.trimmed_turns) .. own(',"continued":', request.continued)
end


-- attempt: place (the fixed part: endpoint, tier, model), span, start_ms, duration_ms, first_token_ms, status, class,
-- counts, is_estimated, kind, cost, currency, answered_by, fingerprint, provider. Times are after the request's start.
local function attempt_of(one)
  local json = format(ATTEMPT, one.place, one.span, one.start_ms, one.duration_ms,
                      number("first_token_ms", one.first_token_ms), status_of(one.status), own(',"class":', one.class),
                      spent(one), said(',"answered_by":', one.answered_by), said(',"fingerprint":', one.fingerprint),
                      said(',"provider":', one.provider))
  return json
end


local function attempts_of(list)
  local parts = {}
  for i = 1, #list do
    parts[i] = attempt_of(list[i])
  end
  return concat(parts, ",")
end


-- request: second (its time, as text) and ms, id (of letters, digits, -, _, . and : only), trace, span, parent,
-- is_unsampled, place (the fixed part: pool, generation), client, surface, model, is_stream, status, outcome, duration_ms,
-- first_token_ms, queued_ms, fallback, repaired, trimmed_turns, continued; attempt, if there is just
-- one (LuaJIT makes no table of one that it sees used up), else attempts, a list.
function _M.of(request)
  local json = format(REQUEST, request.second, request.ms, request.id, request.trace, request.span,
                      request.parent and ',"parent":' .. _M.text(request.parent) or "",
                      request.is_unsampled and ',"sampled":false' or "", request.place, text("", request.client),
                      request.surface, text("", request.model), request.is_stream and "true" or "false",
                      request.status, request.outcome, request.duration_ms,
                      number("first_token_ms", request.first_token_ms),
                      request.queued_ms > 0 and number("queued_ms", request.queued_ms) or "", notes_of(request),
                      request.attempt and attempt_of(request.attempt) or attempts_of(request.attempts))
  return json
end


-- Is the request in the log? What is not simply an answer at the first attempt always is, unless the log is off. drawn: from
-- [0, 100).
function _M.is_wanted(percent, is_plain, drawn)
  return percent > 0 and (not is_plain or drawn < percent)
end


return _M
