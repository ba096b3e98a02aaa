-- Which of an answer's tool calls a piece belongs to. The index says it. But some providers give parallel calls the same
-- index, or none, and only their ids differ; others give every piece another id. So a new call is one that brings another
-- id and a name. And where a piece without a name has an index that no call has, or an id that another call has, it is that
-- call's, or the last one's.

local max = math.max

local _M = {}
local calls = {}
calls.__index = calls


-- current: index -> the call there last, {place, id}; by_id: the same by id; latest: the call of the last piece. index_of:
-- place -> the index that it was said with, or has as it stands; unnumbered: place -> was it said without one?
function _M.new()
  return setmetatable({ current = {}, by_id = {}, latest = nil, index_of = {}, unnumbered = {}, last = -1 }, calls)
end


local function text_of(value)
  return type(value) == "string" and value or ""
end


-- A piece's name and arguments; and are these no text?
function _M.parts(call)
  local named = type(call["function"]) == "table" and call["function"] or {}
  return text_of(named.name), text_of(named.arguments), type(named.arguments) == "table"
end


-- The place of a piece's call among all, from 0; call: decoded; position: in its list, from 1.
function calls:place_of(call, position)
  local index, id, name = tonumber(call.index), text_of(call.id), (_M.parts(call))
  local at = index or position - 1
  local known = self.current[at]
  if name == "" and id ~= "" and self.by_id[id] then
    known = self.by_id[id]
  elseif name == "" and id == "" and not known then
    known = self.latest
  end
  local is_new = not known
    or name ~= "" and (id ~= "" and known.id ~= "" and id ~= known.id or not index and id == "")
  if not is_new then
    known.id = known.id ~= "" and known.id or id
    self.by_id[known.id], self.latest = known, known
    return known.place
  end
  local place = self.index_of[at] and self.last + 1 or at
  known = { place = place, id = id }
  self.current[at], self.by_id[id], self.latest = known, known, known
  self.index_of[place], self.unnumbered[place], self.last = at, index == nil, max(self.last, place)
  return place
end


return _M
