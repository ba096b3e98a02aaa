-- The first bytes of an answer, which show its form (core/answer/form.lua). Blank lines are a way to say "wait", and move no
-- deadline.

local form = require "core.answer.form"
local sse = require "core.answer.sse"

local byte = string.byte
local find = string.find

local _M = {}

local NOISE_MAX_BYTES = 1024 * 1024 -- keep-alives for a day
local OPEN_BRACE = 123


-- data: what was read first; nil: err.
local function look_for(conn, deadline_ms, data, err)
  local start, blanks, content_type = "", 0, conn:header("content-type")
  while true do
    if not data then
      return start ~= "" and start or nil, start ~= "" and form.WHOLE or err
    end
    start = start .. data
    local from = find(start, "%S", sse.bom_length(start) + 1)
    while from and find(start, "^:[^\n]*\n", from) do
      blanks = blanks + #start
      start = start:sub(find(start, "\n", from, true) + 1)
      from = find(start, "%S")
    end
    if from then
      start = start:sub(from)
      local its_form = form.of(start, content_type)
      if its_form then
        return start, its_form
      end
    else
      blanks = blanks + #start
      start = sse.is_bom_prefix(start) and start or ""
      if blanks > NOISE_MAX_BYTES then
        return nil, "blanks"
      end
    end
    data, err = conn:read(deadline_ms)
  end
end


-- Nearly always an answer begins with its form. Gives its first bytes and the form; nil and an error, or "blanks".
function _M.of(conn, deadline_ms)
  local data, err = conn:read(deadline_ms)
  if data and byte(data) == OPEN_BRACE then
    return data, form.WHOLE
  end
  return look_for(conn, deadline_ms, data, err)
end


return _M
