-- Which of a caller's headers go on to a provider. Never: who the caller is (keys, cookies, addresses), what belongs to
-- one connection (hop by hop), what we write ourselves, what would steer a proxy, and any wish for compression.

local _M = {}

local NOT_FORWARDED = {
  -- who the caller is
  ["authorization"] = true, ["x-api-key"] = true, ["api-key"] = true, ["x-goog-api-key"] = true, ["x-auth-token"] = true,
  ["x-access-token"] = true, ["x-csrf-token"] = true, ["ocp-apim-subscription-key"] = true, ["cookie"] = true,
  ["forwarded"] = true, ["via"] = true, ["x-real-ip"] = true, ["x-client-ip"] = true, ["x-cluster-client-ip"] = true,
  ["true-client-ip"] = true, ["origin"] = true, ["referer"] = true,
  -- hop by hop
  ["connection"] = true, ["keep-alive"] = true, ["te"] = true, ["trailer"] = true, ["upgrade"] = true,
  ["transfer-encoding"] = true, ["http2-settings"] = true, ["expect"] = true,
  -- written here
  ["content-length"] = true, ["host"] = true, ["content-type"] = true, ["x-request-id"] = true,
  -- would steer
  ["accept-encoding"] = true, ["content-encoding"] = true, ["x-http-method-override"] = true, ["x-http-method"] = true,
  ["x-method-override"] = true, ["x-rewrite-url"] = true,
}
local PREFIXES = {
  "x-accel-", "x-poolkeeper-", "x-forwarded-", "x-original-", "x-envoy-", "x-amz-", "proxy-", "cf-", "sec-",
}


local KNOWN_MAX = 1000 -- names come from callers: what is remembered of them has a limit

local known, known_count = {}, 0 -- name -> is it forwarded?


local function judge(name)
  local is_forwarded = not NOT_FORWARDED[name]
  for i = 1, #PREFIXES do
    is_forwarded = is_forwarded and name:sub(1, #PREFIXES[i]) ~= PREFIXES[i]
  end
  if known_count >= KNOWN_MAX then
    known, known_count = {}, 0
  end
  known[name], known_count = is_forwarded, known_count + 1
  return is_forwarded
end


-- the names that a Connection header lists
local function listed(connection)
  if not connection then
    return nil
  end
  local names = {}
  for name in (type(connection) == "table" and table.concat(connection, ",") or connection):gmatch("[^,%s]+") do
    names[name:lower()] = true
  end
  return names
end


-- headers: lower-case name -> value or list of values. The lines for the provider, each with CRLF before it.
function _M.forwarded(headers)
  local lines, count = { "\r\nContent-Type: application/json" }, 1
  local hop_by_hop = headers.connection and listed(headers.connection)
  for name, value in pairs(headers) do
    local is_forwarded = known[name]
    if is_forwarded == nil then
      is_forwarded = judge(name)
    end
    if is_forwarded and not (hop_by_hop and hop_by_hop[name]) then
      if type(value) == "table" then
        value = table.concat(value, "\r\n" .. name .. ": ")
      end
      lines[count + 1], lines[count + 2], lines[count + 3], lines[count + 4] = "\r\n", name, ": ", tostring(value)
      count = count + 4
    end
  end
  return table.concat(lines)
end


return _M
