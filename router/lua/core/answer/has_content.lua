-- Does a message, or what is added to one, say anything? Its members are decoded JSON; but: names of those that are no
-- words of the model.

return function(members, but)
  for name, value in pairs(members) do
    if not but[name] then
      local kind = type(value)
      if kind == "string" and value ~= "" or kind == "table" and next(value) ~= nil then
        return true
      end
    end
  end
  return false
end
