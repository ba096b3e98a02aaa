-- A request body that comes compressed, as agents send long conversations: decoded in slices, so that no body keeps the
-- worker, and never to more than a body may have.

local decoders = require "nginx.request.decoders"
local ffi = require "ffi"
local turn = require "nginx.shared.turn"

local _M = {}

local BYTES = ffi.typeof("const unsigned char *")
local INPUT_BYTES, OUTPUT_BYTES = 64 * 1024, 1024 * 1024 -- of a step
local LAYERS_MAX = 3
local WRONG = "not what its Content-Encoding says, or cut"
local buffer

_M.ACCEPTED = decoders.NAMES


-- The encodings that a header lists, the outermost last, without "identity"; nil and the first that is not known here.
function _M.encodings(header)
  local names = {}
  for name in header:gmatch("[^,%s]+") do
    name = name:lower()
    if name ~= "identity" then
      names[#names + 1] = name
    end
    if name ~= "identity" and not decoders.BY_NAME[name] or #names > LAYERS_MAX then
      return nil, header
    end
  end
  return names
end


-- Decodes to the end; parts of the text, or nil and "too large", "no room" or what is wrong. All share the buffer: each
-- takes its slice out of it before it waits.
local function run(decoder, state, text, max_bytes, has_room)
  local parts, size, pos, is_ended = {}, 0, 0, false
  local from, length = ffi.cast(BYTES, text), #text
  while pos < length or not is_ended do
    if is_ended and not decoder.again(state) then
      return nil, WRONG
    end
    local input_size = math.min(INPUT_BYTES, length - pos)
    local read, written, at_end = decoder.step(state, from + pos, input_size, buffer, OUTPUT_BYTES)
    if not read or read == 0 and written == 0 and not at_end then
      return nil, WRONG
    end
    pos, size, is_ended = pos + read, size + written, at_end
    if size > max_bytes then
      return nil, "too large"
    end
    if not has_room(size) then
      return nil, "no room"
    end
    if written > 0 then
      parts[#parts + 1] = ffi.string(buffer, written)
    end
    turn.pause()
  end
  return parts
end


local function decode(decoder, text, max_bytes, has_room)
  buffer = buffer or ffi.new("unsigned char[?]", OUTPUT_BYTES)
  local state = decoder.open(text)
  if not state then
    return nil, "no memory"
  end
  state = ffi.gc(state, decoder.close) -- a caller that goes ends this while it waits
  local parts, err = run(decoder, state, text, max_bytes, has_room)
  decoder.close(ffi.gc(state, nil))
  return parts and table.concat(parts), err
end


-- The text without its encodings, of at most max_bytes; nil and why not. has_room(bytes): is there memory for so much of it?
function _M.inflate(text, encodings, max_bytes, has_room)
  for i = #encodings, 1, -1 do
    local decoded, err = decode(decoders.BY_NAME[encodings[i]], text, max_bytes, has_room)
    if not decoded then
      return nil, err
    end
    text = decoded
  end
  return text
end


return _M
