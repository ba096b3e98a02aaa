-- Does a server continue an answer whose beginning it is given as a last message, or does it close that message and begin a
-- new turn? llama.cpp's own server continues it; llama-cpp-python and Ollama, with the same API, do not, and say nothing.
-- So it is asked for the letters in order, and given the first eleven behind words of our own: only who continues says the
-- twelfth first. (llama.cpp gives back what it was given, too, in front of that.)

local find = string.find
local sub = string.sub

local scan = require "core.json.scan"

local _M = {}

local BEGUN = "In order, as asked: A B C D E F G H I J K"
local NEXT = "^[%s,]*[Ll]%f[%A]"
local ANSWER_TOKENS = 8 -- fewer than BEGUN has: a new turn that says the same cannot say all of it


-- model: the endpoint's own name of it.
function _M.body(model)
  return ('{"model":%s,"messages":[{"role":"user","content":"Say the letters of the alphabet in order."},'
          .. '{"role":"assistant","content":"%s"}],"max_tokens":%d,"temperature":0,"stream":false}')
    :format(scan.quote(model), BEGUN, ANSWER_TOKENS)
end


-- answer: decoded. nil: it proves neither.
function _M.continues(answer)
  local choice = type(answer) == "table" and type(answer.choices) == "table" and answer.choices[1]
  local message = type(choice) == "table" and choice.message
  local text = type(message) == "table" and message.content
  if type(text) ~= "string" or text == "" then
    return nil
  end
  local is_repeated = sub(text, 1, #BEGUN) == BEGUN
  return find(text, NEXT, is_repeated and #BEGUN + 1 or 1) ~= nil
end


return _M
