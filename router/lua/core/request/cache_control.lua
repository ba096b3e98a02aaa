-- What a request's cache-control says about cached answers (RFC 9111, 5.2.1), and without one its pragma (5.4): may its
-- answer be cached, and how old may a cached answer be for it? Both are a table when the header came several times.

local _M = {}

local NEVER_S = -1 -- older is every answer
local ANY_S = math.huge


local function joined(header)
  if type(header) == "table" then
    header = table.concat(header, ",")
  end
  return header and header:lower()
end


-- Gives is_kept, and max_age_s.
function _M.of(control, pragma)
  if not control then
    local old = joined(pragma)
    return true, old and ("," .. old .. ","):find(",[ \t]*no%-cache[ \t]*,") and NEVER_S or ANY_S
  end
  local is_kept, max_age_s = true, ANY_S
  for directive in joined(control):gmatch("[^,]+") do
    local name, rest = directive:match("^[ \t]*([^ \t=]*)(.*)")
    if name == "no-store" then
      is_kept = false
    elseif name == "no-cache" then
      max_age_s = NEVER_S
    elseif name == "max-age" then
      max_age_s = math.min(max_age_s, tonumber(rest:match('^[ \t]*=[ \t]*"?(%d+)"?[ \t]*$')) or 0)
    end
  end
  return is_kept, max_age_s
end


return _M
