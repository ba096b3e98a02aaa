-- One line of the request log: JSON, written by hand because it is written for each request. What comes from outside has
-- been checked or is escaped here; there is no body, no header and no key in it.

local format, gsub = string.format, string.gsub

local _M = {}

local CONTROL = { ['"'] = '\\"', ["\\"] = "\\\\" }
local TEXT_MAX_BYTES = 128

-- A line goes into a buffer (string.buffer's), for lines are long and alike: LuaJIT would compare a string of each with
-- those before it (docs/performance.md).
local REQUEST = '{"time":"%s.%03dZ","request":"%s","trace":"%s","span":"%s"'
local ANSWER = ',"client":%s,"api":"%s","model":%s,"stream":%s,"status":%d,"outcome":"%s","duration_ms":%d'
local ATTEMPT = '{%s,"span":"%s","start_ms":%d,"duration_ms":%d'
local SPENT = ',"kind":"%s","tokens":{"input":%d,"cached_input":%d,"output":%d,"reasoning":%d}'


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


-- What may be absent: of the router's own words, of those that came from outside, of numbers.
local function put_own(out, before, word)
  if word then
    out:put(text(before, word))
  end
end


local function put_said(out, before, value)
  if type(value) == "string" then
    out:put(text(before, value))
  end
end


local function put_number(out, before, value)
  if value then
    out:putf(before, value)
  end
end


local statuses = {} -- of HTTP: three digits

local function status_of(status)
  if not status then
    return ""
  end
  statuses[status] = statuses[status] or format(',"status":%d', status)
  return statuses[status]
end


local function put_spent(out, one)
  local counts = one.counts
  if not counts then
    return
  end
  out:putf(SPENT, one.kind, counts.input, counts.cached_input, counts.output, counts.reasoning)
  out:put(one.is_estimated and ',"estimated":true' or "")
  if one.cost then
    out:putf(',"cost":%.9g,"currency":"%s"', one.cost, one.currency)
  end
end


-- What most requests have none of.
local function put_notes(out, request)
  if not (request.fallback or request.repaired or request.trimmed_turns or request.continued) then
    return
  end
  put_own(out, ',"fallback":', request.fallback)
  put_said(out, ',"repaired":', request.repaired)
  put_number(out, ',"trimmed_turns":%d', request.trimmed_turns)
  put_own(out, ',"continued":', request.continued)
end


-- attempt: place (the fixed part: endpoint, tier, model), span, start_ms, duration_ms, first_token_ms, status, class,
-- counts, is_estimated, kind, cost, currency, answered_by, fingerprint, provider. Times are after the request's start.
local function put_attempt(out, one)
  out:putf(ATTEMPT, one.place, one.span, one.start_ms, one.duration_ms)
  put_number(out, ',"first_token_ms":%d', one.first_token_ms)
  out:put(status_of(one.status))
  put_own(out, ',"class":', one.class)
  put_spent(out, one)
  put_said(out, ',"answered_by":', one.answered_by)
  put_said(out, ',"fingerprint":', one.fingerprint)
  put_said(out, ',"provider":', one.provider)
  out:put("}")
end


local function put_attempts(out, list)
  for i = 1, #list do
    if i > 1 then
      out:put(",")
    end
    put_attempt(out, list[i])
  end
end


-- Puts the line into a buffer. request: second (its time, as text) and ms, id (of letters, digits, -, _, . and : only),
-- trace, span, parent, is_unsampled, place (the fixed part: pool, generation), client, surface, model, is_stream, status,
-- outcome, duration_ms, first_token_ms, queued_ms, fallback, repaired, trimmed_turns, continued; attempt, if there is just
-- one (LuaJIT makes no table of one that it sees used up), else attempts, a list.
function _M.put(out, request)
  out:putf(REQUEST, request.second, request.ms, request.id, request.trace, request.span)
  if request.parent then
    out:put(',"parent":', _M.text(request.parent), request.is_unsampled and ',"sampled":false' or "")
  end
  out:put(request.place)
  out:putf(ANSWER, text("", request.client), request.surface, text("", request.model),
           request.is_stream and "true" or "false", request.status, request.outcome, request.duration_ms)
  put_number(out, ',"first_token_ms":%d', request.first_token_ms)
  put_number(out, ',"queued_ms":%d', request.queued_ms > 0 and request.queued_ms)
  put_notes(out, request)
  out:put(',"attempts":[')
  if request.attempt then
    put_attempt(out, request.attempt)
  else
    put_attempts(out, request.attempts)
  end
  out:put("]}")
end


-- Is the request in the log? What is not simply an answer at the first attempt always is, unless the log is off. drawn: from
-- [0, 100).
function _M.is_wanted(percent, is_plain, drawn)
  return percent > 0 and (not is_plain or drawn < percent)
end


return _M
