-- Does an event that has no choices say that something failed, without a member "error"? SiliconFlow's errors are a message
-- (and a code) and nothing around it; others have a list of errors, say "success": false, or put it into one of their own.

local next = next

local WORDS = { "message", "error_message", "error_msg", "detail", "errors" }
local TYPES = { error = true, ["response.failed"] = true }
local GOOD_CODES = { [""] = true, ["0"] = true, ["200"] = true, success = true, ok = true }


local function is_bad(code)
  local kind = type(code)
  return (kind == "number" or kind == "string") and not GOOD_CODES[tostring(code)]
end


return function(value)
  if value.success == false or TYPES[value.type] then
    return true
  end
  for i = 1, #WORDS do
    local said = value[WORDS[i]]
    if type(said) == "string" or type(said) == "table" and next(said) ~= nil then
      return true
    end
  end
  local inner = value.base_resp
  return type(inner) == "table" and is_bad(inner.status_code) or type(value.msg) == "string" and is_bad(value.code)
end
