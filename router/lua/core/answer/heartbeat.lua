-- Data that only say "I am still here": some servers send a word or the time of day where others send a comment. Client
-- libraries read all data as JSON, so such an event is not passed on.

local find = string.find
local gsub = string.gsub
local lower = string.lower

local LONGEST_BYTES = 64
local TIME = "^%d%d%d%d%-%d%d%-%d%d[t ][%d:.+z-]+$"
local WORDS = {
  [""] = true, ["null"] = true, ping = true, pong = true, ["keep-alive"] = true, keepalive = true, keep_alive = true,
  heartbeat = true, alive = true, processing = true, ["openrouter processing"] = true,
}


return function(data)
  if #data > LONGEST_BYTES then
    return false
  end
  local word = lower(gsub(gsub(data, '^[%s":]+', ""), '["%s]+$', ""))
  return WORDS[word] == true or find(word, TIME) ~= nil
end
