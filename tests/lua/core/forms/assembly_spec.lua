-- Streams of each provider's kind, put together, and what its whole answer says (tests/lua/vectors/whole).
local cjson = require "cjson.safe"
local stream = require "core.answer.stream"
local support = dofile "tests/lua/support.lua"
local surfaces = require "core.protocol.surface"

local function assembly_of(surface, provider)
  return surface.protocol.new_assembly(cjson.decode, { surface = surface.name, provider = provider })
end

-- The events as the router reads them, torn into pieces of `size` bytes.
local function assembled(case, size)
  local surface = surfaces.at(case.path)
  local assembly = assembly_of(surface, case.provider)
  local events = stream.new(surface.protocol.new_reader(cjson.decode, 1), true)
  for from = 1, #case.stream, size do
    assembly:add((events:feed(case.stream:sub(from, from + size - 1), false)))
  end
  assembly:add((events:feed("", true)))
  return assembly:whole(), assembly
end

-- Members that say nothing: a null, an empty list of calls. Some servers write them in whole answers only.
local function without_nothing(value)
  if type(value) ~= "table" then
    return value
  end
  local kept = {}
  for name, member in pairs(value) do
    if member ~= cjson.null and not (name == "tool_calls" and next(member) == nil) then
      kept[name] = without_nothing(member)
    end
  end
  return kept
end

describe("a stream that is put together is the whole answer:", function()
  for _, case in ipairs(support.whole_answers()) do
    it(case.name, function()
      local want = assert(cjson.decode(case.whole))
      for _, size in ipairs({ 1, 7, 1000, #case.stream }) do
        local text, assembly = assembled(case, size)
        local got = assert(cjson.decode(text), text)
        assert.same(without_nothing(want), without_nothing(got))
        if case.provider == "DeepSeek" or case.provider == "OpenAI" then
          assert.same(want, got)
        end
        assert.is_true(assembly.size <= #text + #case.stream)
      end
    end)
  end
end)

describe("an assembly", function()
  it("takes a word that each delta repeats for one, and pieces for a text", function()
    local function of(...)
      local assembly = assembly_of(surfaces.at("/v1/chat/completions"), "OpenAI")
      for _, piece in ipairs({ ... }) do
        assembly:add(('data: {"id":"x","choices":[{"index":0,"delta":{"content":"a","kind":"%s"}}]}\n\n'):format(piece))
      end
      return cjson.decode(assembly:whole()).choices[1].message.kind
    end
    assert.equal("text", of("text", "text", "text"))
    assert.equal("ababcd", of("ab", "ab", "cd"))
    assert.equal("abcdcd", of("ab", "cd", "cd"))
  end)

  it("of no answer is none", function()
    for _, path in ipairs({ "/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses" }) do
      local assembly = assembly_of(surfaces.POST[path], "OpenAI")
      assembly:add(": comment\n\ndata: [DONE]\n\ndata: {}\n\ndata: nothing\n\n")
      assert.is_nil(assembly:whole())
    end
  end)

  it("keeps texts, not the events around them", function()
    local assembly = assembly_of(surfaces.CHAT, "DeepSeek")
    local event = 'data: {"id":"i","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
    for _ = 1, 1000 do
      assembly:add(event)
    end
    assert.is_true(assembly.size < 5100)
    assert.equal(("word "):rep(1000), cjson.decode(assembly:whole()).choices[1].message.content)
  end)

  it("says {} for the input of a tool that was cut at the limit of tokens", function()
    local assembly = assembly_of(surfaces.POST["/v1/messages"], "DeepSeek")
    assembly:add('data: {"type":"message_start","message":{"id":"m","type":"message","content":[]}}\n\n'
      .. 'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}\n\n'
      .. 'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}\n\n'
      .. 'data: {"type":"message_delta","delta":{"stop_reason":"max_tokens"}}\n\n')
    assert.equal("{}", assembly:whole():match('"input":(%b{})'))
  end)

  it("has an account of tokens that comes without choices", function()
    for _, choices in ipairs({ "", '"choices":null,' }) do
      local assembly = assembly_of(surfaces.CHAT, "OpenAI")
      assembly:add('data: {"id":"i","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
      assembly:add('data: {"id":"i",' .. choices .. '"usage":{"completion_tokens":1}}\n\n')
      assert.equal('{"completion_tokens":1}', assembly:whole():match('"usage":(%b{})'))
    end
  end)

  it("has the text of a chat's chunks, of whatever kind it is", function()
    local assembly = assembly_of(surfaces.POST["/v1/completions"], "OpenAI")
    assembly:add('data: {"id":"i","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    assert.equal("a", assembly:whole():match('"text":"(%a)"'))
  end)

  it("may be asked twice", function()
    local assembly = assembly_of(surfaces.CHAT, "DeepSeek")
    assembly:add('data: {"id":"i","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    assert.equal(assembly:whole(), assembly:whole())
  end)
end)
