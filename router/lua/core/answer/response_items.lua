-- The items of a streamed response, as far as its events announce them, and what servers leave out of those: the events
-- around a text that comes in pieces and nothing else, the items in the last event, the last event itself. Client libraries
-- need all of them: they add a piece to the item that was announced, and take the answer from the items that are done.

local concat = table.concat
local next = next

local edit = require "core.json.edit"
local scan = require "core.json.scan"
local sse = require "core.answer.sse"

local _M = {}
local items = {}
items.__index = items

local QUOTE = scan.quote
-- Texts that belong to a message: their events, the type of its part, the member that holds them.
local TEXTS = {
  ["response.output_text.delta"] = { "response.output_text", "output_text", "text" },
  ["response.refusal.delta"] = { "response.refusal", "refusal", "refusal" },
}
local COMPLETED = "response.completed"


-- open: output_index -> has an item begun there, and not ended? done: output_index -> the item, as JSON text. unsaid: the
-- message that nobody announced, {index, id, kind, pieces}; response: the first event's, as JSON text.
function _M.new()
  return setmetatable({ known = {}, open = {}, done = {}, last = nil, unsaid = nil, response = nil, is_over = false }, items)
end


function items:begin(index)
  self.known[index], self.open[index] = true, true
end


-- item: the decoded one; data: the event's.
function items:finish(index, item, data)
  self.known[index], self.open[index], self.last = true, nil, type(item) == "table" and item.type
  self.done[index] = edit.get(data, "item")
end


local function say(name, place, more)
  local members = edit.copy(place, more)
  members.type = QUOTE(name)
  return sse.event(edit.set("{}", members), name)
end


local function part_of(unsaid, text)
  local part = { type = QUOTE(unsaid.kind[2]), [unsaid.kind[3]] = QUOTE(text) }
  part.annotations = unsaid.kind[3] == "text" and "[]" or nil
  return edit.set("{}", part)
end


local function message_of(unsaid, status, content)
  return edit.set('{"type":"message","role":"assistant"}', {
    id = unsaid.id, status = QUOTE(status), content = content,
  })
end


local function places_of(unsaid)
  local index = ("%d"):format(unsaid.index)
  return { output_index = index }, { output_index = index, content_index = "0", item_id = unsaid.id }
end


-- A piece of text whose item nobody has announced: the events that should have come before, nil when they have.
function items:announce(value)
  local kind, index = TEXTS[value.type], tonumber(value.output_index) or 0
  if not kind or self.known[index] or self.unsaid and self.unsaid.index ~= index then
    return nil
  end
  local id = type(value.item_id) == "string" and value.item_id ~= "" and value.item_id or "msg_" .. index
  local unsaid = { index = index, id = QUOTE(id), kind = kind, pieces = {} }
  self.unsaid = unsaid
  self:begin(index)
  local item, part = places_of(unsaid)
  return say("response.output_item.added", item, { item = message_of(unsaid, "in_progress", "[]") })
    .. say("response.content_part.added", part, { part = part_of(unsaid, "") })
end


-- The same piece, as the text that the message will have.
function items:add(value)
  local unsaid = self.unsaid
  if unsaid and TEXTS[value.type] == unsaid.kind and (tonumber(value.output_index) or 0) == unsaid.index
      and type(value.delta) == "string" then
    unsaid.pieces[#unsaid.pieces + 1] = value.delta
  end
end


-- The events that end a message that was announced here; "" when there is none, or its server has ended it.
local function ended(self)
  local unsaid = self.unsaid
  if not unsaid or self.done[unsaid.index] then
    return ""
  end
  local text = concat(unsaid.pieces)
  local item, part = places_of(unsaid)
  local whole = message_of(unsaid, "completed", edit.list({ part_of(unsaid, text) }))
  self.done[unsaid.index], self.open[unsaid.index], self.last = whole, nil, "message"
  return say(unsaid.kind[1] .. ".done", part, { [unsaid.kind[3]] = QUOTE(text) })
    .. say("response.content_part.done", part, { part = part_of(unsaid, text) })
    .. say("response.output_item.done", item, { item = whole })
end


local function listed(self)
  local places, list = {}, {}
  for index in pairs(self.done) do
    places[#places + 1] = index
  end
  table.sort(places)
  for i = 1, #places do
    list[i] = self.done[places[i]]
  end
  return edit.list(list)
end


-- The last event with what it leaves out; nil when it leaves nothing out. value, data, name: that event.
function items:complete(value, data, name)
  self.is_over = true
  local output = type(value.response) == "table" and value.response.output
  if type(output) == "table" and #output > 0 or next(self.done) == nil and not self.unsaid then
    return nil
  end
  local before = ended(self)
  local response = edit.set(edit.get(data, "response") or "{}", { output = listed(self) })
  return response and before .. sse.event(edit.set(data, { response = response }), name)
end


-- The last event of a stream that has none, though every item that has begun is done, and the last one is the answer (with
-- is_said: the server says that the stream is over); nil when more was to come.
function items:last_event(is_said)
  if self.is_over or next(self.done) == nil or next(self.open) ~= nil or not is_said and self.last ~= "message" then
    return nil
  end
  self.is_over = true
  local response = edit.set(self.response or "{}", { status = '"completed"', output = listed(self) })
  return say(COMPLETED, {}, { response = response })
end


return _M
