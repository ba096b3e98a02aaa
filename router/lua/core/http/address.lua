-- Which IP addresses a router may connect to. A name that an attacker controls must not lead to the node's metadata
-- service, to the Pod itself or to link-local neighbours, in whatever notation and behind whatever mapping.

local forbidden = require "core.http.forbidden"

local floor = math.floor

local _M = {}

local GROUP_BITS = 16


-- The two 16-bit groups of a dotted quad; nothing else is an IPv4 address here (no octal, no hex, no single number).
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
  return { a * 256 + b, c * 256 + d }
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
    local embedded = quad(last)
    if not embedded then
      return nil
    end
    text = ("%s%x:%x"):format(head, embedded[1], embedded[2])
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


local function is_within(address, network)
  if #address ~= #network then
    return false
  end
  local left = network.bits
  for i = 1, #network do
    local unit = 2 ^ math.max(0, GROUP_BITS - left)
    if left > 0 and floor(address[i] / unit) ~= floor(network[i] / unit) then
      return false
    end
    left = left - GROUP_BITS
  end
  return true
end


local function listed(address)
  for _, network in ipairs(forbidden.NETWORKS) do
    if is_within(address, network) then
      return network.kind
    end
  end
end


-- The IPv4 address that an IPv6 one means, if it does: it stands right behind the prefix.
local function embedded_in(address)
  for _, network in ipairs(forbidden.EMBEDDING) do
    if is_within(address, network) then
      local before = network.bits / GROUP_BITS
      return { address[before + 1], address[before + 2] }
    end
  end
end


-- "ordinary", "loopback", "link-local", "metadata", "unspecified" or "multicast"; nil when text is no IP address.
-- The same as kind_of in operator/poolkeeper/api/addresses.py.
function _M.kind(text)
  local address = quad(text) or groups(text)
  if not address then
    return nil
  end
  local embedded = embedded_in(address)
  return listed(address) or embedded and listed(embedded) or "ordinary"
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
