-- Does the member "error" of an answer say that something went wrong? Some gateways send an empty one with every answer.

local find = string.find


local function says(value)
  local kind = type(value)
  return kind == "string" and find(value, "%S") ~= nil or kind == "number" and value ~= 0 or value == true
end


return function(value)
  if type(value) ~= "table" then
    return says(value)
  end
  for _, member in pairs(value) do
    if says(member) or type(member) == "table" and next(member) ~= nil then
      return true
    end
  end
  return false
end
