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


-- known: output_index -> is there an item? open: output_index -> true while it has not ended; of a message {index, id, kind,
-- pieces, is_ours}, its text so far and whether it was announced here. done: output_index -> the item, as JSON text; last:
-- its type; response: the first event's, as JSON text.
function _M.new()
  return setmetatable({ known = {}, open = {}, done = {}, last = nil, response = nil, is_over = false }, items)
end


local function new_message(index, id, is_ours)
  return { index = index, id = type(id) == "string" and id ~= "" and QUOTE(id) or nil, kind = nil, pieces = {},
           is_ours = is_ours }
end


-- item: decoded.
function items:begin(index, item)
  local is_message = type(item) == "table" and item.type == "message"
  self.known[index], self.open[index] = true, not is_message or new_message(index, item.id, false)
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


local function part_of(message, text)
  local part = { type = QUOTE(message.kind[2]), [message.kind[3]] = QUOTE(text) }
  part.annotations = message.kind[3] == "text" and "[]" or nil
  return edit.set("{}", part)
end


local function item_of(message, status, content)
  return edit.set('{"type":"message","role":"assistant"}', {
    id = message.id, status = QUOTE(status), content = content,
  })
end


local function places_of(message)
  local index = ("%d"):format(message.index)
  return { output_index = index }, { output_index = index, content_index = "0", item_id = message.id }
end


local function announced(message)
  local item, part = places_of(message)
  return say("response.output_item.added", item, { item = item_of(message, "in_progress", "[]") })
    .. say("response.content_part.added", part, { part = part_of(message, "") })
end


-- A piece of text. Gives the events that should have come before, where nobody has announced its item; else nil.
function items:add(value)
  local kind = TEXTS[value.type]
  if not kind or type(value.delta) ~= "string" then
    return nil
  end
  local index, before = tonumber(value.output_index) or 0, nil
  local message = self.open[index]
  if not self.known[index] then
    message = new_message(index, nil, true)
    self.known[index], self.open[index] = true, message
  end
  if type(message) == "table" then
    if not message.kind then
      message.kind = kind
      message.id = message.id or QUOTE(type(value.item_id) == "string" and value.item_id or "msg_" .. index)
      before = message.is_ours and announced(message) or nil
    end
    message.pieces[#message.pieces + 1] = message.kind == kind and value.delta or nil
  end
  return before
end


-- The events that end a message. said: it, as the last event has it, or nil.
local function ended(self, message, said)
  local text = concat(message.pieces)
  local item, part = places_of(message)
  local whole = said or item_of(message, "completed", edit.list({ part_of(message, text) }))
  self.done[message.index], self.open[message.index], self.last = whole, nil, "message"
  local of_item = say("response.output_item.done", item, { item = whole })
  if not message.is_ours then
    return of_item
  end
  return say(message.kind[1] .. ".done", part, { [message.kind[3]] = QUOTE(text) })
    .. say("response.content_part.done", part, { part = part_of(message, text) }) .. of_item
end


local function places(of)
  local found = {}
  for index in pairs(of) do
    found[#found + 1] = index
  end
  table.sort(found)
  return found
end


-- The ends of all messages that have a text and none. output: the items of the last event, as JSON texts.
local function all_ended(self, output)
  local out = {}
  for _, index in ipairs(places(self.open)) do
    local message = self.open[index]
    if type(message) == "table" and message.kind then
      out[#out + 1] = ended(self, message, output[index + 1])
    end
  end
  return concat(out)
end


local function listed(self)
  local list = {}
  for i, index in ipairs(places(self.done)) do
    list[i] = self.done[index]
  end
  return edit.list(list)
end


-- The last event with what it leaves out, and before it; nil when it leaves nothing out. data, name: that event.
function items:complete(data, name)
  self.is_over = true
  local response = edit.get(data, "response") or "{}"
  local output = edit.items(edit.get(response, "output") or "") or {}
  local before = all_ended(self, output)
  if #output > 0 or next(self.done) == nil then
    return before ~= "" and before .. sse.event(data, name) or nil
  end
  response = edit.set(response, { output = listed(self) })
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
