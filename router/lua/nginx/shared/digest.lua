-- SHA-256 by the libcrypto that nginx itself has loaded, with the processor's own instructions where it has them: a tenth
-- of the time of ngx.sha1_bin and a half of ngx.md5's, which are plain C, and no two texts with one digest are known.

local ffi = require "ffi"

local _M = {}

ffi.cdef [[
  typedef struct { uint32_t words[28]; } poolkeeper_sha256; // SHA256_CTX: 112 bytes in every OpenSSL
  int SHA256_Init(poolkeeper_sha256 *context);
  int SHA256_Update(poolkeeper_sha256 *context, const char *text, size_t length);
  int SHA256_Final(unsigned char *digest, poolkeeper_sha256 *context);
]]

local C = ffi.C
assert(C.SHA256_Init) -- without it nginx does not start, rather than fail a request

local LENGTH_BYTES = 32
local SHORT_BYTES = 8
local TEXT = ffi.typeof("const char *")
local CONTEXT = ffi.typeof("poolkeeper_sha256")
local lengths = ffi.new("uint32_t[2]")
local idle -- a digest that is finished
local digest = ffi.new("unsigned char[?]", LENGTH_BYTES)


-- A digest in progress. Each caller has its own, because it may wait between two additions.
function _M.new()
  local context = idle or CONTEXT()
  idle = nil
  C.SHA256_Init(context)
  return context
end


-- Adds text[from..to].
function _M.add(context, text, from, to)
  C.SHA256_Update(context, ffi.cast(TEXT, text) + (from - 1), to - from + 1)
end


-- Adds two numbers: how long the next two texts are.
function _M.add_lengths(context, one, other)
  lengths[0], lengths[1] = one, other
  C.SHA256_Update(context, ffi.cast(TEXT, lengths), 8)
end


-- The digest of all that was added, 32 bytes.
function _M.finish(context)
  idle = context
  C.SHA256_Final(digest, context)
  local text = ffi.string(digest, LENGTH_BYTES)
  return text
end


-- What identifies a parsed request, as text; made once.
function _M.of_request(parsed)
  if not parsed.digest then
    local context = _M.new()
    _M.add(context, parsed.body, 1, #parsed.body)
    parsed.digest = _M.finish(context):sub(1, SHORT_BYTES):gsub(".", function(char)
      return ("%02x"):format(char:byte())
    end)
  end
  return parsed.digest
end


return _M
