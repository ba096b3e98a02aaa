-- Documents by schema: what a value must be, and what it is with Lua's names. A schema is made by the functions below; what
-- a document has beyond its schema is refused, not passed over.

local _M = {}

function _M.integer(min, max)
  return { kind = "integer", min = min, max = max }
end

function _M.text(min, max, pattern)
  return { kind = "text", min = min, max = max, pattern = pattern }
end

function _M.one_of(...)
  return { kind = "one_of", words = { ... } }
end

function _M.list(of, min, max)
  return { kind = "list", of = of, min = min, max = max }
end

function _M.object(fields)
  return { kind = "object", fields = fields }
end

function _M.nullable(schema)
  return { kind = "nullable", of = schema }
end

-- A time limit where 0 is none: longer than anything else lets a request live.
function _M.limit(of, none_ms)
  return { kind = "limit", of = of, none_ms = none_ms }
end

_M.BOOLEAN = { kind = "boolean" }


local function camel(name)
  return (name:gsub("_(%l)", string.upper))
end


local read -- of a value by its schema: (schema, value, path, null) -> value, or nil and what is wrong; null may become nil

local READERS = {}

function READERS.integer(schema, value, path)
  if type(value) ~= "number" or value ~= math.floor(value) or value < schema.min or value > schema.max then
    return nil, ("%s: wanted an integer from %.0f to %.0f"):format(path, schema.min, schema.max)
  end
  return value
end

function READERS.limit(schema, value, path)
  local limit_ms, err = READERS.integer(schema.of, value, path)
  return limit_ms == 0 and schema.none_ms or limit_ms, err
end

function READERS.boolean(_, value, path)
  if type(value) ~= "boolean" then
    return nil, path .. ": wanted true or false"
  end
  return value
end

function READERS.text(schema, value, path)
  if type(value) ~= "string" or #value < schema.min or #value > schema.max * 4 then
    return nil, ("%s: wanted a text of %d to %d characters"):format(path, schema.min, schema.max)
  end
  if schema.pattern and value ~= "" and not value:find(schema.pattern) then
    return nil, path .. ": has characters that do not belong there"
  end
  return value
end

function READERS.one_of(schema, value, path)
  for _, word in ipairs(schema.words) do
    if value == word then
      return value
    end
  end
  return nil, path .. ": wanted one of " .. table.concat(schema.words, ", ")
end

function READERS.list(schema, value, path, null)
  local count = type(value) == "table" and #value
  if not count or count == 0 and next(value) ~= nil or count < schema.min or count > schema.max then
    return nil, ("%s: wanted a list of %d to %d items"):format(path, schema.min, schema.max)
  end
  local items = {}
  for i = 1, count do
    local item, err = read(schema.of, value[i], ("%s[%d]"):format(path, i - 1), null)
    if err then
      return nil, err
    end
    items[i] = item
  end
  return items
end

function READERS.object(schema, value, path, null)
  if type(value) ~= "table" then
    return nil, path .. ": wanted an object"
  end
  local result, known = {}, {}
  for name, field in pairs(schema.fields) do
    local key = camel(name)
    known[key] = true
    local item, err = read(field, value[key], path == "" and key or path .. "." .. key, null)
    if err then
      return nil, err
    end
    result[name] = item
  end
  for key in pairs(value) do
    if not known[key] then
      return nil, ("%s: has a member this router does not know: %s"):format(path == "" and "document" or path, tostring(key))
    end
  end
  return result
end

function READERS.nullable(schema, value, path, null)
  if value == nil or value == null then
    return nil
  end
  return read(schema.of, value, path, null)
end

function read(schema, value, path, null)
  return READERS[schema.kind](schema, value, path, null)
end

_M.read = read

return _M
