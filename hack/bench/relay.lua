-- The least that a proxy in Lua can do: one provider, no decision, nothing checked, nothing counted. What it costs more
-- than nginx's own proxy is the price of cosockets; what ours costs more than this is the price of our decisions.

local find, match = string.find, string.match

local _M = {}

local KEEP_MS, POOL_SIZE = 60000, 512


local function pass_chunks(sock)
  while true do
    local size = tonumber(sock:receive("*l"), 16)
    local data = sock:receive(size + 2)
    if size == 0 then
      return
    end
    ngx.print(data:sub(1, size))
    ngx.flush(true)
  end
end


function _M.serve(port, path)
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  local sock = ngx.socket.tcp()
  sock:settimeouts(2000, 60000, 600000)
  assert(sock:connect("127.0.0.1", port))
  assert(sock:send({ "POST ", path, "/chat/completions HTTP/1.1\r\nHost: api.example.com\r\n",
                     "Authorization: Bearer sk-peer\r\nContent-Type: application/json\r\nContent-Length: ", #body,
                     "\r\n\r\n", body }))
  local head = sock:receiveuntil("\r\n\r\n")()
  local length = match(head, "[Cc]ontent%-[Ll]ength: (%d+)")
  if length then
    ngx.header["Content-Type"], ngx.header["Content-Length"] = "application/json", length
    ngx.print(sock:receive(tonumber(length)))
  elseif find(head, "chunked", 1, true) then
    ngx.header["Content-Type"] = "text/event-stream"
    pass_chunks(sock)
  end
  sock:setkeepalive(KEEP_MS, POOL_SIZE)
end


return _M
