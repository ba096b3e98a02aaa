-- What undoes a Content-Encoding, step by step: zlib (gzip, deflate), which nginx itself is linked with, and zstd and
-- brotli, where the system has their libraries. Clients compress long conversations (Codex with zstd, by default).
--
-- A decoder has open(first bytes), step(state, input, size, output, size), which gives the number of bytes read and
-- written and whether the text is at an end (nil: it is none of this encoding), again(state) for what may follow an end,
-- and close(state).

local ffi = require "ffi"

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
  int inflateReset(poolkeeper_z_stream *strm);
  int inflateEnd(poolkeeper_z_stream *strm);

  typedef struct { const void *bytes; size_t size; size_t pos; } poolkeeper_zstd_input;
  typedef struct { void *bytes; size_t size; size_t pos; } poolkeeper_zstd_output;
  void *ZSTD_createDStream(void);
  size_t ZSTD_freeDStream(void *state);
  size_t ZSTD_DCtx_setParameter(void *state, int parameter, int value);
  size_t ZSTD_decompressStream(void *state, poolkeeper_zstd_output *output, poolkeeper_zstd_input *input);
  unsigned ZSTD_isError(size_t code);

  void *BrotliDecoderCreateInstance(void *alloc, void *free, void *opaque);
  int BrotliDecoderDecompressStream(void *state, size_t *left_in, const unsigned char **next_in, size_t *left_out,
                                    unsigned char **next_out, size_t *total_out);
  void BrotliDecoderDestroyInstance(void *state);
]]

local C = ffi.C


-- zlib

local Z_STREAM = ffi.typeof("poolkeeper_z_stream")
local Z_OK, Z_STREAM_END, Z_BUF_ERROR = 0, 1, -5
local GZIP_OR_ZLIB, RAW, VERSION = 15 + 32, -15, "1" -- zlib compares the first digit of its version only
local Z_DEFLATE = 8


-- Some send "deflate" as its name says, without zlib's two bytes in front (RFC 9110 wants them).
local function has_zlib_head(start)
  local first, second = start:byte(1, 2)
  return second and first % 16 == Z_DEFLATE and (first * 256 + second) % 31 == 0
end


local function zlib(is_gzip)
  return {
    open = function(start)
      local stream = Z_STREAM()
      local window = (is_gzip or has_zlib_head(start)) and GZIP_OR_ZLIB or RAW
      return C.inflateInit2_(stream, window, VERSION, ffi.sizeof(Z_STREAM)) == Z_OK and stream or nil
    end,
    step = function(stream, input, input_size, output, output_size)
      stream.next_in, stream.avail_in, stream.next_out, stream.avail_out = input, input_size, output, output_size
      local result = C.inflate(stream, 0)
      if result ~= Z_OK and result ~= Z_STREAM_END and result ~= Z_BUF_ERROR then
        return nil
      end
      return input_size - stream.avail_in, output_size - stream.avail_out, result == Z_STREAM_END
    end,
    again = function(stream)
      return is_gzip and C.inflateReset(stream) == Z_OK -- several gzip files in a row are one
    end,
    close = C.inflateEnd,
  }
end


-- zstd

local ZSTD_WINDOW_LOG_MAX, WINDOW_LOG = 100, 24 -- no body is longer than that window

local function zstd(library)
  local input, output = ffi.new("poolkeeper_zstd_input"), ffi.new("poolkeeper_zstd_output")
  return {
    open = function()
      local state = library.ZSTD_createDStream()
      if state == nil then
        return nil
      end
      library.ZSTD_DCtx_setParameter(state, ZSTD_WINDOW_LOG_MAX, WINDOW_LOG)
      return state
    end,
    step = function(state, from, input_size, to, output_size)
      input.bytes, input.size, input.pos = from, input_size, 0
      output.bytes, output.size, output.pos = to, output_size, 0
      local left = library.ZSTD_decompressStream(state, output, input)
      if library.ZSTD_isError(left) ~= 0 then
        return nil
      end
      return tonumber(input.pos), tonumber(output.pos), left == 0
    end,
    again = function()
      return true -- frames follow each other
    end,
    close = library.ZSTD_freeDStream,
  }
end


-- brotli

local BROTLI_ERROR, BROTLI_SUCCESS = 0, 1

local function brotli(library)
  local left_in, left_out = ffi.new("size_t[1]"), ffi.new("size_t[1]")
  local next_in, next_out = ffi.new("const unsigned char *[1]"), ffi.new("unsigned char *[1]")
  return {
    open = function()
      local state = library.BrotliDecoderCreateInstance(nil, nil, nil)
      return state ~= nil and state or nil
    end,
    step = function(state, input, input_size, output, output_size)
      left_in[0], next_in[0], left_out[0], next_out[0] = input_size, input, output_size, output
      local result = library.BrotliDecoderDecompressStream(state, left_in, next_in, left_out, next_out, nil)
      if result == BROTLI_ERROR then
        return nil
      end
      return input_size - tonumber(left_in[0]), output_size - tonumber(left_out[0]), result == BROTLI_SUCCESS
    end,
    again = function()
      return false
    end,
    close = library.BrotliDecoderDestroyInstance,
  }
end


local function has(library, name)
  return pcall(function()
    return library[name]
  end)
end


local function loaded(name)
  local is_there, library = pcall(ffi.load, name)
  return is_there and library or nil
end


-- The decoders by the names of their encodings, and the names as a header lists them.
local function known()
  local found, names = {}, {}
  if has(C, "inflate") then
    found.gzip, found.deflate = zlib(true), zlib(false)
    found["x-gzip"] = found.gzip
    names = { "gzip", "deflate" }
  end
  local zstd_library, brotli_library = loaded("libzstd.so.1"), loaded("libbrotlidec.so.1")
  if zstd_library then
    found.zstd, names[#names + 1] = zstd(zstd_library), "zstd"
  end
  if brotli_library then
    found.br, names[#names + 1] = brotli(brotli_library), "br"
  end
  return found, names[1] and table.concat(names, ", ") or "identity"
end


_M.BY_NAME, _M.NAMES = known()


return _M
