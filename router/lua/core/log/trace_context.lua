-- W3C Trace Context (www.w3.org/TR/trace-context): a caller's traceparent, if it is a sound one, and the one for an
-- endpoint: the same trace, with the attempt's own span as the parent.

local find, format, match, sub = string.find, string.format, string.match, string.sub
local floor = math.floor

local _M = {}

local STATE_MAX_BYTES = 512
local NO_TRACE, NO_SPAN = ("0"):rep(32), ("0"):rep(16)
local WORD = 2 ^ 32


-- Gives span ids one after the other. random: () -> [0, 1)
function _M.series(random)
  local first, count = format("%08x", random() * WORD), floor(random() * WORD / 2)
  return function()
    count = count + 1
    local id = format("%s%08x", first, count % WORD)
    return id
  end
end


-- {trace, parent, flags}; nil: what was given is none. A version that is not known yet may have more behind it.
function _M.parse(given)
  if type(given) ~= "string" then
    return nil
  end
  local version, trace, parent, flags, rest = match(given, "^(%x%x)%-(%x+)%-(%x+)%-(%x%x)(.*)$")
  if not version or #trace ~= 32 or #parent ~= 16 or find(given, "%u") or version == "ff" or trace == NO_TRACE
      or parent == NO_SPAN or rest ~= "" and (version == "00" or sub(rest, 1, 1) ~= "-") then
    return nil
  end
  return { trace = trace, parent = parent, flags = flags }
end


-- Does the caller record its trace?
function _M.is_sampled(flags)
  return tonumber(flags, 16) % 2 == 1
end


-- The vendors' part: as it came, where it is short and printable; nil else.
function _M.state(given)
  if type(given) == "table" then
    given = table.concat(given, ",")
  end
  return type(given) == "string" and #given <= STATE_MAX_BYTES and find(given, "^[\32-\126]+$") and given or nil
end


function _M.traceparent(trace, span, flags)
  return format("00-%s-%s-%s", trace, span, flags)
end


return _M
