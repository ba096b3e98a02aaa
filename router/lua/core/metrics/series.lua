-- The names of series, in Prometheus' text format. What counts and what declares make a name here, from the family's
-- own list of labels: so a series that is there from the start is the one that is counted.

local families = require "core.metrics.families"

local concat = table.concat
local gsub = string.gsub

local _M = {}

local PARTS = { "_bucket", "_sum", "_count" }
local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }


local function labels_of(family, ...)
  local names, parts = families[family][3], {}
  for i = 1, #names do
    parts[i] = ('%s="%s"'):format(names[i], (gsub(tostring((select(i, ...))), '[\\"\n]', ESCAPES)))
  end
  return concat(parts, ",")
end


-- values: of its labels, in the family's order.
function _M.of(family, ...)
  local labels = labels_of(family, ...)
  return labels == "" and family or family .. "{" .. labels .. "}"
end


-- The series of one histogram or summary, in the order of a scrape: {buckets (one more than there are bounds), sum, count}.
function _M.parts(family, ...)
  local labels, bounds = labels_of(family, ...), families[family][4] or {}
  local before = labels == "" and "" or labels .. ","
  local around = labels == "" and "" or "{" .. labels .. "}"
  local buckets = {}
  for i = 1, #bounds do
    buckets[i] = ('%s_bucket{%sle="%s"}'):format(family, before, bounds[i])
  end
  if bounds[1] then
    buckets[#bounds + 1] = ('%s_bucket{%sle="+Inf"}'):format(family, before)
  end
  return { bounds = bounds, buckets = buckets, sum = family .. "_sum" .. around, count = family .. "_count" .. around }
end


-- The family that a series belongs to; nil when none does.
function _M.family_of(series)
  local name = series:match("^[%w_]+")
  if families[name] then
    return name
  end
  for _, part in ipairs(PARTS) do
    local base = name:sub(1, -#part - 1)
    if name:sub(-#part) == part and families[base] then
      return base
    end
  end
end


-- What stands above a family's series.
function _M.head(family)
  local declared = families[family]
  return ("# HELP %s %s\n# TYPE %s %s\n"):format(family, declared[2], family, declared[1])
end


return _M
