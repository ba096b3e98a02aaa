-- A response that a second endpoint generates again, joined to what a caller has already been sent of the first one's
-- (response_record.lua). What was sent is left out, what goes beyond it is passed on with the first response's ids and
-- numbers; what contradicts it, be it in its reasoning, ends the stream (DIFFERS): the last event says everything once more,
-- and must say what was sent. Same interface as core/recovery/splice.lua.

local sub = string.sub

local chunk = require "core.answer.chunk"
local edit = require "core.json.edit"
local message_record = require "core.answer.message_record"
local response_record = require "core.answer.response_record"
local scan = require "core.json.scan"
local splice = require "core.recovery.splice"
local sse = require "core.answer.sse"

local concat = table.concat

local _M = {}
local response_splice = {}
response_splice.__index = response_splice

local ENDS = { ["response.completed"] = true, ["response.incomplete"] = true }
local STARTS = { ["response.created"] = true, ["response.in_progress"] = true, ["response.queued"] = true }
local OTHERWISE = "the answer differs from what was sent"


-- events: the second answer's stream. record: of what was sent, which is kept up to date. how: note. decode: of JSON.
function _M.new(events, record, how, decode)
  local said, behind = {}, 0
  for key, channel in pairs(record.channels) do
    said[key] = { text = message_record.said(channel), at = 0 }
    behind = behind + (said[key].text ~= "" and 1 or 0)
  end
  return setmetatable({
    events = events, reader = events.reader, finished = false, joined = false, differs = nil, record = record,
    note = ": poolkeeper: " .. how.note .. "\n", decode = decode,
    said = said, behind = behind, begun = record.items, ids = {}, out = {},
  }, response_splice)
end


-- This protocol has no event that says nothing.
function response_splice.beat()
  return nil
end


-- The changes that make an event one of the first response.
local function changes_of(self, value, data)
  local id = self.ids[value.output_index]
  local changes = { item_id = value.item_id and id, item = nil }
  if type(value.item) == "table" and id then
    changes.item = edit.set(edit.get(data, "item"), { id = id })
  end
  if type(value.response) == "table" then
    local response = edit.set(edit.get(data, "response"), self.record.identity or {})
    local items = edit.items(edit.get(response, "output") or "") or {}
    for i = 1, #items do
      items[i] = self.ids[i - 1] and edit.set(items[i], { id = self.ids[i - 1] }) or items[i]
    end
    changes.response = edit.set(response, { output = edit.list(items) })
  end
  if value.sequence_number then
    changes.sequence_number = ("%d"):format(self.record.sequence + 1)
  end
  return changes
end


local function say(self, value, data, more)
  local said = edit.set(data, edit.copy(changes_of(self, value, data), more or {}))
  self.record:read(self.decode(said))
  self.out[#self.out + 1] = sse.event(said, value.type)
end


local function on_text(self, value, data, kind)
  local key = response_record.key(value, kind)
  local known = self.said[key]
  if not known then
    self.differs = self.behind > 0 and OTHERWISE or nil
    return not self.differs and say(self, value, data)
  end
  local text = value.delta
  local overlap = math.min(#text, #known.text - known.at)
  local rest = sub(text, overlap + 1)
  if sub(text, 1, overlap) ~= sub(known.text, known.at + 1, known.at + overlap)
      or rest ~= "" and self.record.events[response_record.key(value, kind .. ".done")] then
    self.differs = OTHERWISE
    return
  end
  known.at = known.at + overlap
  if overlap > 0 and known.at == #known.text then
    self.behind = self.behind - 1
  end
  if rest ~= "" then
    say(self, value, data, { delta = scan.quote(rest), logprobs = value.logprobs and "[]" or nil })
  end
end


local function on_item(self, value)
  local first, item = self.begun[value.output_index], response_record.item_of(value)
  if first and (first.type ~= item.type or first.name ~= item.name) or not first and self.behind > 0 then
    self.differs = OTHERWISE
  elseif first then
    self.ids[value.output_index] = first.id and scan.quote(first.id)
  end
end


local function on_event(self, value, data)
  local kind, is_text = response_record.channel_of(value)
  if is_text then
    return on_text(self, value, data, kind)
  end
  if value.type == "response.output_item.added" then
    on_item(self, value)
  end
  local channel = self.said[response_record.key(value, value.type:match("^(.*)%.done$"))]
  if channel and channel.at < #channel.text or ENDS[value.type] and self.behind > 0 then
    self.differs = OTHERWISE
  end
  if not self.differs and not STARTS[value.type] and not self.record.events[response_record.key(value)] then
    say(self, value, data)
  end
end


local function rewrite(self, text)
  self.out = {}
  for _, data in ipairs(sse.all(text)) do
    local value = not self.differs and self.decode(data)
    if type(value) == "table" and type(value.type) == "string" then
      on_event(self, value, data)
    end
  end
  if not self.joined and not self.differs and self.behind == 0 and self.out[1] then
    self.joined = true
    table.insert(self.out, 1, self.note)
  end
  return concat(self.out)
end


function response_splice:feed(bytes, final)
  local out, progress, kind, detail = self.events:feed(bytes, final)
  self.finished = self.events.finished
  out = rewrite(self, out)
  if self.differs then
    self.finished = false
    return out, progress, splice.DIFFERS, self.differs
  end
  return out, progress, kind == chunk.DONE and not self.joined and splice.DIFFERS or kind, detail
end


return _M
