-- Request ids in the one form that every server takes: a random UUID (version 4). Some check it and answer 400 without a
-- word to anything else (starlette-context, and with it llama-cpp-python's server).

local format = string.format
local gsub = string.gsub
local sub = string.sub

local _M = {}

local FORM = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89abAB]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"


function _M.is(text)
  return text:find(FORM) ~= nil
end


-- What all ids of a series start with, and the same without dashes. random_hex: at least 18 random hex digits; drawn once a
-- series, because randomness is dear and counting is not.
function _M.series(random_hex)
  local start = ("%s-%s-4%s-a%s-"):format(sub(random_hex, 1, 8), sub(random_hex, 9, 12), sub(random_hex, 13, 15),
    sub(random_hex, 16, 18))
  return start, (gsub(start, "-", ""))
end


-- The count-th id of a series, from what it starts with.
function _M.counted(start, count)
  local id = format("%s%012x", start, count)
  return id
end


return _M
