-- The least that a proxy in Lua can do: one provider, no decision, nothing checked, nothing counted. What it costs more
-- than nginx's own proxy is the price of cosockets; what ours costs more than this is the price of our decisions.

local concat = table.concat
local find, match, sub = string.find, string.match, string.sub

local _M = {}

local KEEP_MS, POOL_SIZE = 60000, 512
local READ_BYTES = 65536


-- The whole chunks of a buffer, what is left of it, and whether the last one was among them.
local function dechunked(buffer)
  local parts, pos = {}, 1
  while true do
    local _, stop, digits = find(buffer, "^(%x+)\r\n", pos)
    local size = stop and tonumber(digits, 16)
    if not size or #buffer < stop + size + 2 then
      return concat(parts), sub(buffer, pos), false
    end
    if size == 0 then
      return concat(parts), "", true
    end
    parts[#parts + 1] = sub(buffer, stop + 1, stop + size)
    pos = stop + size + 3
  end
end


local function pass_on(sock)
  local buffer, text, ended = ""
  repeat
    text, buffer, ended = dechunked(buffer .. assert(sock:receiveany(READ_BYTES)))
    if text ~= "" then
      ngx.print(text)
      ngx.flush(true)
    end
  until ended
end


function _M.serve(port, path)
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  local sock = ngx.socket.tcp()
  sock:settimeouts(2000, 60000, 600000)
  assert(sock:connect("127.0.0.1", port))
  assert(sock:send({ "POST ", path, "/chat/completions HTTP/1.1\r\nHost: api.example.com\r\n",
                     "Authorization: Bearer sk-bench\r\nContent-Type: application/json\r\nContent-Length: ", #body,
                     "\r\n\r\n", body }))
  local head = sock:receiveuntil("\r\n\r\n")()
  local length = match(head, "[Cc]ontent%-[Ll]ength: (%d+)")
  if length then
    ngx.header["Content-Type"], ngx.header["Content-Length"] = "application/json", length
    ngx.print(sock:receive(tonumber(length)))
  elseif find(head, "chunked", 1, true) then
    ngx.header["Content-Type"] = "text/event-stream"
    pass_on(sock)
  end
  sock:setkeepalive(KEEP_MS, POOL_SIZE)
end


return _M
