-- A request body that comes compressed (gzip, deflate), as agents send long conversations: inflated by the zlib that nginx
-- itself is linked with, in slices, so that no body keeps the worker, and never to more than a body may have.

local ffi = require "ffi"
local turn = require "nginx.shared.turn"

local _M = {}

ffi.cdef [[
  typedef struct {
    const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
    unsigned char *next_out; unsigned avail_out; unsigned long total_out;
    const char *msg; void *state; void *zalloc; void *zfree; void *opaque;
    int data_type; unsigned long adler; unsigned long reserved;
  } poolkeeper_z_stream;
  int inflateInit2_(poolkeeper_z_stream *strm, int window_bits, const char *version, int stream_size);
  int inflate(poolkeeper_z_stream *strm, int flush);
  int inflateEnd(poolkeeper_z_stream *strm);
]]

local C = ffi.C
local STREAM = ffi.typeof("poolkeeper_z_stream")
local BYTES = ffi.typeof("const unsigned char *")
local OK, STREAM_END = 0, 1
local GZIP_OR_ZLIB, VERSION = 15 + 32, "1" -- zlib compares the first digit only
local SLICE_BYTES = 1024 * 1024
local buffer

local has_zlib = pcall(function()
  return C.inflate
end)
_M.TAKEN = has_zlib and { gzip = true, ["x-gzip"] = true, deflate = true } or {}
_M.ACCEPTED = has_zlib and "gzip, deflate" or "identity"


-- Inflates until there is no more; parts of it, or nil and "too large" or what is wrong with the text.
local function run(stream, max_bytes)
  local parts, size = {}, 0
  while true do
    stream.next_out, stream.avail_out = buffer, SLICE_BYTES
    local result = C.inflate(stream, 0)
    local count = SLICE_BYTES - stream.avail_out
    size = size + count
    if size > max_bytes then
      return nil, "too large"
    end
    parts[#parts + 1] = ffi.string(buffer, count)
    if result == STREAM_END and stream.avail_in == 0 then
      return parts
    end
    if result ~= OK or count == 0 then
      return nil, "not what its Content-Encoding says, or cut"
    end
    turn.pause()
  end
end


-- The text that was compressed, of at most max_bytes; nil and why not. All share the buffer: each takes its slice out of it
-- before it waits.
function _M.inflate(text, max_bytes)
  buffer = buffer or ffi.new("unsigned char[?]", SLICE_BYTES)
  local stream = STREAM()
  if C.inflateInit2_(stream, GZIP_OR_ZLIB, VERSION, ffi.sizeof(STREAM)) ~= OK then
    return nil, "no memory"
  end
  ffi.gc(stream, C.inflateEnd) -- a caller that goes ends this while it waits
  stream.next_in, stream.avail_in = ffi.cast(BYTES, text), #text
  local parts, err = run(stream, max_bytes)
  C.inflateEnd(ffi.gc(stream, nil))
  return parts and table.concat(parts), err
end


return _M
