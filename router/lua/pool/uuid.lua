-- Request ids in the one form that every server takes: a random UUID (version 4). Some check it and answer 400 without a
-- word to anything else (starlette-context, and with it llama-cpp-python's server).

local sub = string.sub

local _M = {}

local FORM = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89abAB]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"


function _M.is(text)
  return text:find(FORM) ~= nil
end


-- The count-th of a series. random_hex: at least 18 random digits, drawn once a series: randomness is dear, counting is not.
function _M.counted(random_hex, count)
  return ("%s-%s-4%s-a%s-%012x"):format(sub(random_hex, 1, 8), sub(random_hex, 9, 12), sub(random_hex, 13, 15),
    sub(random_hex, 16, 18), count)
end


return _M
