-- What a request needs beyond text, and which of it a refusal is about. A server that was started without tools refuses
-- every request with tools, so it gets the next such request only after the others.

local contains_any = require "core.json.contains_any"

local lower = string.lower
local sub = string.sub

local _M = {}

local WORDS_BYTES = 2048
local SLICE_BYTES, ASKED_MAX_BYTES = 262144, 32 -- looked through at once; of the longest word below
-- asked: members and values of a body, which no text in it can look like (its quotes are escaped); said: words of a refusal
local FEATURES = {
  { name = "tools", asked = { '"tools"', '"functions"' }, said = { "tool", "function call", "--jinja" } },
  { name = "images", asked = { '"image_url"', '"input_image"', '"image"' },
    said = { "image", "vision", "multimodal", "mmproj" } },
  { name = "audio", asked = { '"input_audio"' }, said = { "audio" } },
  { name = "schema", asked = { '"response_format"', '"json_schema"' },
    said = { "response_format", "json_schema", "structured output", "grammar", "guided" } },
}
local OF_A_FORM = { "tool_choice", "thinking" } -- what is refused of these is a form of the request, not all of the feature


-- The features that a body asks for. pause: as in core/json/scan.lua.
function _M.of(body, pause)
  local names, found = {}, {}
  for from = 1, #body, SLICE_BYTES do
    local slice = #body <= SLICE_BYTES and body or sub(body, from, from + SLICE_BYTES + ASKED_MAX_BYTES)
    for i = 1, #FEATURES do
      local feature = FEATURES[i]
      if not found[i] and contains_any(slice, feature.asked) then
        found[i] = true
        names[#names + 1] = feature.name
      end
    end
    if pause then
      pause()
    end
  end
  return names
end


-- The feature that is refused to a body; nil: none that it asks for.
function _M.refused(body, refusal)
  local words = lower(sub(refusal, 1, WORDS_BYTES))
  if contains_any(words, OF_A_FORM) then
    return nil
  end
  for i = 1, #FEATURES do
    if contains_any(words, FEATURES[i].said) and contains_any(body, FEATURES[i].asked) then
      return FEATURES[i].name
    end
  end
  return nil
end


return _M
