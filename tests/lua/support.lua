-- Reads vectors: those that Python reads, too, and those of what only the router does.
local cjson = require "cjson"

local _M = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return cjson.decode(text)
end


function _M.vectors(name)
  return read("tests/contract/router/" .. name .. ".json")
end


function _M.own_vectors(name)
  return read("tests/lua/vectors/" .. name .. ".json")
end


-- What a caller gets of a stream, or of a second one that is joined to the first, fed in pieces of so many bytes, and how
-- that ended.
function _M.fed(events, text, size)
  local out = {}
  for from = 1, #text, size do
    local got, _, kind, detail = events:feed(text:sub(from, from + size - 1), false)
    out[#out + 1] = got
    if kind then
      return table.concat(out), kind, detail
    end
  end
  return table.concat(out)
end


-- Streams and the whole answers that they are: name, source, provider, path, stream, whole.
function _M.whole_answers()
  local folder, cases = "tests/lua/vectors/whole/", {}
  local list = io.popen("ls " .. folder)
  for file in list:lines() do
    local text = assert(io.open(folder .. file)):read("*a")
    local source, provider, path, events, whole =
      text:match("^source: (.-)\nprovider: (.-)\npath: (.-)\n=== stream\n(.*)=== whole\n(.*)$")
    cases[#cases + 1] = { name = file:gsub("%.txt$", ""), source = source, provider = provider, path = path,
                          stream = assert(events, file), whole = whole }
  end
  list:close()
  assert(#cases > 20, "the vectors are gone")
  return cases
end


return _M
