-- One line of the request log: JSON, written by hand because it is written for each request. What comes from outside has
-- been checked or is escaped here; there is no body, no header and no key in it.

local concat, format, gsub = table.concat, string.format, string.gsub

local _M = {}

local CONTROL = { ['"'] = '\\"', ["\\"] = "\\\\" }
local TEXT_MAX_BYTES = 128


-- As a JSON string: bounded, and in ASCII.
function _M.text(value)
  local short = #value > TEXT_MAX_BYTES and value:sub(1, TEXT_MAX_BYTES) or value
  if not short:find('[%c"\\\127-\255]') then
    return '"' .. short .. '"'
  end
  return '"' .. gsub(short, '[%c"\\\127-\255]', function(char)
    return CONTROL[char] or "?"
  end) .. '"'
end

local text = _M.text


local function said(name, value)
  return type(value) == "string" and format(',"%s":%s', name, text(value)) or ""
end


local function tokens_of(counts)
  return counts and format(',"tokens":{"input":%d,"cached_input":%d,"output":%d,"reasoning":%d}', counts.input,
                           counts.cached_input, counts.output, counts.reasoning) or ""
end


-- attempt: place (the fixed part: endpoint, tier, model), span, start_ms, duration_ms, first_token_ms, status, class,
-- counts, is_estimated, kind, cost, currency, answered_by, fingerprint, provider. Times are after the request's start.
local function attempt_of(one)
  return concat({
    "{", one.place, format(',"span":"%s","start_ms":%d,"duration_ms":%d', one.span, one.start_ms, one.duration_ms),
    one.first_token_ms and format(',"first_token_ms":%d', one.first_token_ms) or "",
    one.status and format(',"status":%d', one.status) or "", said("class", one.class), said("kind", one.kind),
    tokens_of(one.counts), one.is_estimated and ',"estimated":true' or "",
    one.cost and format(',"cost":%.12g,"currency":"%s"', one.cost, one.currency) or "",
    said("answered_by", one.answered_by), said("fingerprint", one.fingerprint), said("provider", one.provider), "}",
  })
end


-- request: time, id, trace, span, parent, place (the fixed part: pool, generation), client, surface, model, is_stream,
-- status, outcome, duration_ms, first_token_ms, queued_ms, fallback, repaired, trimmed_turns, continued, attempts.
function _M.of(request)
  local attempts = {}
  for i = 1, #request.attempts do
    attempts[i] = attempt_of(request.attempts[i])
  end
  return concat({
    '{"time":"', request.time, '","request":', text(request.id), ',"trace":"', request.trace, '","span":"', request.span,
    '"', said("parent", request.parent), request.place, ',"client":', text(request.client), ',"api":"', request.surface,
    '","model":', text(request.model), request.is_stream and ',"stream":true' or ',"stream":false',
    format(',"status":%d,"outcome":"%s","duration_ms":%d', request.status, request.outcome, request.duration_ms),
    request.first_token_ms and format(',"first_token_ms":%d', request.first_token_ms) or "",
    request.queued_ms > 0 and format(',"queued_ms":%d', request.queued_ms) or "",
    said("fallback", request.fallback), said("repaired", request.repaired),
    request.trimmed_turns and format(',"trimmed_turns":%d', request.trimmed_turns) or "",
    said("continued", request.continued), ',"attempts":[', concat(attempts, ","), "]}",
  })
end


-- Is the request in the log? What is not simply an answer at the first attempt always is, unless the log is off. drawn: from
-- [0, 100).
function _M.is_wanted(percent, is_plain, drawn)
  return percent > 0 and (not is_plain or drawn < percent)
end


return _M
