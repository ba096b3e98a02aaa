-- Does an answer come from the model that was asked for, by the name that it gives itself? Each word of the asked name is in
-- the other one: "deepseek-flash" may call itself "DeepSeek-V4.1-Flash-1017", and "vendor/name:variant" is "name". Some
-- names always mean DeepSeek's newest model. Its twin for probes is operator/poolkeeper/probing/model_names.py;
-- tests/contract/router/models.json is read by both.

local gmatch, lower, match, sub = string.gmatch, string.lower, string.match, string.sub

local _M = {}

local NAME_MAX_BYTES = 128
local ROLLING = { ["deepseek-chat"] = true, ["deepseek-reasoner"] = true }
local OTHERS = { distill = true, qwen = true, llama = true } -- words of models that are not DeepSeek's own


local function bare(name)
  return match(match(lower(name), "([^/]*)$"), "^[^:]*")
end


local function words(name)
  local found = {}
  for word in gmatch(name, "%a+") do
    found[word] = true
  end
  for number in gmatch(name, "%d+") do
    found[number] = true
  end
  return found
end


local function is_in(asked, answered)
  for word in pairs(asked) do
    if not answered[word] then
      return false
    end
  end
  return true
end


local function is_deepseeks_own(name, found)
  for word in pairs(OTHERS) do
    if found[word] then
      return false
    end
  end
  return found.deepseek == true
end


function _M.is_same(asked, answered)
  asked, answered = bare(asked), bare(answered)
  local found = words(answered)
  return is_in(words(asked), found) or ROLLING[asked] == true and is_deepseeks_own(answered, found)
end


-- A name as it may be shown: bounded, and without what a terminal obeys. nil: it is none.
function _M.shown(said)
  return type(said) == "string" and said ~= "" and (sub(said, 1, NAME_MAX_BYTES):gsub("[^%w%.%-_/:@ ]", "?")) or nil
end


return _M
