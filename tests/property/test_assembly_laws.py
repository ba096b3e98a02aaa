"""A whole answer, in a stream of any pieces and put together again, is the same answer."""

import json
import random
from collections.abc import Iterator
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from testing.lua_calls import as_lua, decoded, function, lua

Json = dict[str, Any]

assembled = function(
    """function(pieces, decode, path, provider)
         local surface = require("core.protocol.surface").POST[path]
         local assembly = surface.protocol.new_assembly(decode, { surface = surface.name, provider = provider })
         local events = require("core.answer.stream").new(surface.protocol.new_reader(decode, 9), true)
         for i = 1, #pieces do
           assembly:add((events:feed(pieces[i], false)))
         end
         assembly:add((events:feed("", true)))
         return assembly:whole()
       end"""
)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
some_words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
numbers = st.floats(-9, 0, allow_nan=False)


@st.composite
def calls(draw: st.DrawFn, count: int) -> list[Json]:
    return [
        {
            "index": index,
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": draw(names), "arguments": json.dumps({draw(names): draw(words)})},
        }
        for index in range(count)
    ]


@st.composite
def choice(draw: st.DrawFn, index: int) -> Json:
    content = draw(words)
    message: Json = {"role": "assistant", "content": content}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(some_words)
    if draw(st.booleans()):
        message["refusal"] = draw(some_words)
    if draw(st.booleans()):
        message["tool_calls"] = draw(calls(draw(st.integers(1, 3))))
    tokens = [{"token": one, "logprob": draw(numbers), "top_logprobs": []} for one in content]
    logprobs = {"content": tokens} if content and draw(st.booleans()) else None
    reason = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason}


@st.composite
def chat(draw: st.DrawFn) -> Json:
    count = draw(st.integers(1, 3))
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 1}}
    extra = draw(st.dictionaries(st.just("x_unknown"), st.integers() | words, max_size=1))
    return {
        "id": draw(words),
        "object": "chat.completion",
        "created": draw(st.integers(0, 2**40)),
        "model": draw(words),
        "system_fingerprint": draw(st.none() | words),
        **extra,
        "choices": [draw(choice(index)) for index in range(count)],
        "usage": usage,
    }


def torn(text: str, dice: random.Random) -> Iterator[str]:
    """In pieces, cut between any two units of UTF-16, as some servers do."""
    units = text.encode("utf-16-le")
    while units:
        size = 2 * dice.randint(1, 6)
        yield units[:size].decode("utf-16-le", "surrogatepass")
        units = units[size:]


def deltas(choice: Json, dice: random.Random) -> Iterator[tuple[Json, Json | None]]:
    """Of one choice: what each chunk adds, and its probabilities. A choice's own pieces keep their order."""
    message = choice["message"]
    yield {"role": "assistant", "content": ""}, None
    for name in ("reasoning_content", "refusal"):
        for piece in torn(message.get(name, ""), dice):
            yield {name: piece}, None
    if choice["logprobs"]:
        for token in choice["logprobs"]["content"]:
            yield {"content": token["token"]}, {"content": [token]}
    else:
        for piece in torn(message["content"], dice):
            yield {"content": piece}, None
    for call in message.get("tool_calls", ()):
        said = call["function"]
        pieces = list(torn(said["arguments"], dice))
        yield {"tool_calls": [{**call, "function": {"name": said["name"], "arguments": ""}}]}, None
        for piece in pieces:
            yield {"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]}, None


def stream_of(answer: Json, dice: random.Random) -> str:
    base = {name: answer[name] for name in answer if name not in ("choices", "usage")} | {
        "object": "chat.completion.chunk"
    }
    waiting = [(one, list(deltas(one, dice))) for one in answer["choices"]]
    events: list[Json] = []
    while waiting:
        one, left = dice.choice(waiting)
        if left:
            delta, logprobs = left.pop(0)
            said = {"index": one["index"], "delta": delta, "logprobs": logprobs, "finish_reason": None}
        else:
            said = {"index": one["index"], "delta": {}, "logprobs": None, "finish_reason": one["finish_reason"]}
            waiting.remove((one, left))
        events.append({**base, "choices": [said]})
        if dice.random() < 0.1:
            events.append({})
    events.append({**base, "choices": [], "usage": answer["usage"]})
    return wire(events, dice) + "data: [DONE]\n\n"


def wire(events: list[Json], dice: random.Random) -> str:
    """A server escapes all of an answer or nothing; halves of a character it must escape."""
    escapes = dice.random() < 0.5
    text = ""
    for event in events:
        if not event:
            text += ": keep-alive\n\n"
            continue
        written = json.dumps(event, ensure_ascii=escapes, separators=(",", ":"))
        if any("\ud800" <= char <= "\udfff" for char in written):
            written = json.dumps(event, separators=(",", ":"))
        text += f"data: {written}\n\n"
    return text


def put_together(text: str, path: str, dice: random.Random) -> Json:
    sent, pieces = as_lua(text), []
    while sent:
        size = dice.randint(1, 200)
        pieces.append(sent[:size])
        sent = sent[size:]
    whole = cast(str, assembled(lua.table_from(pieces), decoded, path, "DeepSeek"))
    return cast(Json, json.loads(whole.encode("latin-1") if isinstance(whole, str) else whole))


@given(chat(), st.randoms(use_true_random=False))
def test_a_chat_answer(answer: Json, dice: random.Random) -> None:
    assert put_together(stream_of(answer, dice), "/v1/chat/completions", dice) == answer


blocks = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, words),
    st.builds(lambda text, mark: {"type": "thinking", "thinking": text, "signature": mark}, words, some_words),
    st.builds(
        lambda name, given: {"type": "tool_use", "id": "t", "name": name, "input": given},
        names,
        st.dictionaries(names, words | st.lists(st.integers(), max_size=3), max_size=3),
    ),
    st.just({"type": "redacted_thinking", "data": "x"}),
)
BEGINS: dict[str, Json] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "redacted_thinking": {},
}


def message_events(answer: Json, dice: random.Random) -> Iterator[Json]:
    yield {
        "type": "message_start",
        "message": {**answer, "content": [], "stop_reason": None, "usage": {"input_tokens": 3}},
    }
    for index, block in enumerate(answer["content"]):
        kind = block["type"]
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **BEGINS[kind]}}
        if kind == "tool_use":
            for piece in torn(json.dumps(block["input"], ensure_ascii=dice.random() < 0.5), dice):
                yield {
                    "type": "content_block_delta",
                    "index": index,
                    "delta": {"type": "input_json_delta", "partial_json": piece},
                }
        for name in BEGINS[kind]:
            for piece in torn(block[name], dice) if name != "input" else ():
                yield {"type": "content_block_delta", "index": index, "delta": {"type": f"{name}_delta", name: piece}}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": answer["stop_reason"]}, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


@given(
    st.lists(blocks, max_size=4),
    st.sampled_from(["end_turn", "max_tokens", "tool_use"]),
    st.randoms(use_true_random=False),
)
def test_a_message(content: list[Json], reason: str, dice: random.Random) -> None:
    answer = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": reason,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }

    assert put_together(wire(list(message_events(answer, dice)), dice), "/v1/messages", dice) == answer
