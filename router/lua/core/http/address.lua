-- Which IP addresses a router may connect to. A name that an attacker controls must not lead to the node's metadata
-- service, to the Pod itself or to link-local neighbours, in whatever notation and behind whatever mapping.

local _M = {}

-- Clouds' metadata services that are not link-local: Alibaba, Azure, AWS over IPv6.
local METADATA = { ["100.100.100.200"] = true, ["168.63.129.16"] = true }
local AWS_METADATA_6 = "fd00:ec2:0:0:0:0:0:254"


-- The four numbers of a dotted quad; nothing else is an IPv4 address here (no octal, no hex, no single number).
local function quad(text)
  local a, b, c, d = text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  if not a then
    return nil
  end
  for _, part in ipairs({ a, b, c, d }) do
    if tonumber(part) > 255 or #part > 1 and part:sub(1, 1) == "0" then
      return nil
    end
  end
  return tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end


local function groups_of(text, groups)
  if text == "" then
    return true
  end
  for part in (text .. ":"):gmatch("([^:]*):") do
    if not part:find("^%x%x?%x?%x?$") then
      return false
    end
    groups[#groups + 1] = tonumber(part, 16)
  end
  return true
end


-- The eight groups of an IPv6 address, or nil.
local function groups(text)
  local head, last = text:match("^(.*:)(%d+%.%d+%.%d+%.%d+)$")
  if head then
    local a, b, c, d = quad(last)
    if not a then
      return nil
    end
    text = ("%s%x:%x"):format(head, a * 256 + b, c * 256 + d)
  end
  if not text:find(":", 1, true) then
    return nil
  end
  local left, right = text:match("^(.-)::(.*)$")
  local front, back = {}, {}
  if not groups_of(left or text, front) or right and not groups_of(right, back) then
    return nil
  end
  local missing = 8 - #front - #back
  if right and missing < 1 or not right and missing ~= 0 then
    return nil
  end
  for _ = 1, missing do
    front[#front + 1] = 0
  end
  for i = 1, #back do
    front[#front + 1] = back[i]
  end
  return front
end


local function kind_of_quad(a, b, c, d)
  if a == 127 then
    return "loopback"
  end
  if a == 0 then
    return "unspecified"
  end
  if METADATA[("%d.%d.%d.%d"):format(a, b, c, d)] then
    return "metadata"
  end
  if a == 169 and b == 254 then
    return "link-local"
  end
  return a >= 224 and "multicast" or "ordinary"
end


-- IPv4 addresses that hide in an IPv6 one: mapped, compatible, NAT64 and 6to4
local function embedded_quad(g)
  local zeros = g[1] == 0 and g[2] == 0 and g[3] == 0 and g[4] == 0 and g[5] == 0
  if zeros and (g[6] == 0xffff or g[6] == 0 and g[7] > 0) or g[1] == 0x64 and g[2] == 0xff9b then
    return g[7], g[8]
  end
  if g[1] == 0x2002 then
    return g[2], g[3]
  end
end


-- "ordinary", "loopback", "link-local", "metadata", "unspecified" or "multicast"; nil when text is no IP address.
function _M.kind(text)
  local a, b, c, d = quad(text)
  if a then
    return kind_of_quad(a, b, c, d), 4
  end
  local g = groups(text)
  if not g then
    return nil
  end
  local high, low = embedded_quad(g)
  if high then
    return kind_of_quad(math.floor(high / 256), high % 256, math.floor(low / 256), low % 256), 6
  end
  local canonical = ("%x:%x:%x:%x:%x:%x:%x:%x"):format(unpack(g))
  if canonical == "0:0:0:0:0:0:0:1" then
    return "loopback", 6
  end
  if canonical == "0:0:0:0:0:0:0:0" then
    return "unspecified", 6
  end
  if canonical == AWS_METADATA_6 then
    return "metadata", 6
  end
  if g[1] >= 0xfe80 and g[1] <= 0xfebf then
    return "link-local", 6
  end
  return g[1] >= 0xff00 and "multicast" or "ordinary", 6
end


-- May a connection go there? nil and why not.
function _M.permitted(text, allow_loopback)
  local kind = _M.kind(text)
  if kind == "ordinary" or kind == "loopback" and allow_loopback then
    return true
  end
  return nil, "address refused: " .. text .. " is " .. (kind and kind .. ", wanted an ordinary one" or "no IP address")
end


return _M
