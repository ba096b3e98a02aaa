"""How each surface is asked, where, and how its answers read: chat's own reader, and the two protocols beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from testing.conformance import answer
from testing.conformance.answer import Answer
from testing.conformance.case import Surface
from testing.fakes.deepseek import jsonin

Fields = dict[str, object]
MAX_TOKENS = 100_000
STOP_REASONS = {"end_turn": "stop", "max_tokens": "length"}
STATUSES = {"completed": "stop", "incomplete": "length"}


@dataclass(frozen=True)
class Speech:
    path: str
    """Below a gateway's root."""
    question: Callable[[str, str], Fields]
    """What the system says and what the user asks, as members of a request."""
    of_stream: Callable[[bytes], Answer]
    of_whole: Callable[[bytes], Answer]
    asked_at: tuple[str, ...]
    """Where providers may be asked for it: a gateway may translate into chat."""
    key_header: str = "authorization"

    def key(self, key: str, header: str = "") -> Mapping[str, str]:
        header = header or self.key_header
        return {header: f"Bearer {key}" if header == "authorization" else key}


# --- chat


def _chat(system: str, user: str) -> Fields:
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}]}


# --- the Messages API


def _messages(system: str, user: str) -> Fields:
    return {"max_tokens": MAX_TOKENS, "system": system, "messages": [{"role": "user", "content": user}]}


def messages_stream(body: bytes) -> Answer:
    return _typed(body, _message_event)


def _message_event(found: Answer, fields: Fields) -> None:
    kind, delta = fields.get("type"), fields.get("delta")
    if isinstance(delta, dict) and kind == "content_block_delta":
        found.text += answer.said(delta.get("text"))
        found.reasoning += answer.said(delta.get("thinking"))
    if isinstance(delta, dict) and kind == "message_delta":
        found.finish_reason = _named(STOP_REASONS, delta.get("stop_reason"))
    found.done = found.done or kind == "message_stop"


def messages_whole(body: bytes) -> Answer:
    found, fields = _body(body)
    for block in _objects(fields.get("content")):
        found.text += answer.said(block.get("text"))
        found.reasoning += answer.said(block.get("thinking"))
    found.finish_reason = _named(STOP_REASONS, fields.get("stop_reason"))
    return found


# --- the Responses API


def _responses(system: str, user: str) -> Fields:
    return {"instructions": system, "input": user}


def responses_stream(body: bytes) -> Answer:
    return _typed(body, _response_event)


def _response_event(found: Answer, fields: Fields) -> None:
    kind, response = fields.get("type"), fields.get("response")
    if kind == "response.output_text.delta":
        found.text += answer.said(fields.get("delta"))
    if kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
        found.reasoning += answer.said(fields.get("delta"))
    if kind == "response.output_item.done":
        found.ended += _text_of({"output": [fields.get("item")]})
    if kind in ("response.failed", "error"):
        found.error = found.error or str(fields.get("message") or response)
    if kind in ("response.completed", "response.incomplete"):
        found.done = True
        if isinstance(response, dict) and _text_of(response) != found.text:
            found.strange.append("the last event does not say the text that came in pieces")
        if found.ended != found.text:
            found.strange.append("the items that are done do not say the text that came in pieces")
        found.finish_reason = _named(STATUSES, response.get("status") if isinstance(response, dict) else None)


def _text_of(response: Fields) -> str:
    """What client libraries take for the answer: the texts of all items but reasoning."""
    items = [item for item in _objects(response.get("output")) if item.get("type") != "reasoning"]
    return "".join(answer.said(part.get("text")) for item in items for part in _objects(item.get("content")))


def responses_whole(body: bytes) -> Answer:
    found, fields = _body(body)
    for item in _objects(fields.get("output")):
        text = "".join(answer.said(part.get("text")) for part in _objects(item.get("content")))
        if item.get("type") == "reasoning":
            found.reasoning += text
        else:
            found.text += text
    found.finish_reason = _named(STATUSES, fields.get("status"))
    return found


# --- of both


def _typed(body: bytes, add: Callable[[Answer, Fields], None]) -> Answer:
    found = Answer()
    for data in answer.events(body.decode("utf-8", "replace")):
        found.events += 1
        if found.done and data == answer.DONE:
            continue  # no event of these protocols, but clients take it for an end as well
        if found.done:
            found.strange.append(f"something after the last event: {data[:60]!r}")
            continue
        try:
            fields = jsonin.obj(jsonin.load(data), "event")
        except jsonin.ShapeError:
            found.strange.append(f"event {found.events} is no JSON object: {data[:80]!r}")
            continue
        found.error = found.error or answer.error_of(fields)
        add(found, fields)
    return found


def _body(body: bytes) -> tuple[Answer, Fields]:
    found = Answer()
    try:
        fields = jsonin.obj(jsonin.load(body), "body")
    except jsonin.ShapeError as problem:
        found.strange.append(f"the body is no JSON object: {problem}")
        return found, {}
    found.error = answer.error_of(fields)
    return found, fields


def _objects(value: object) -> list[Fields]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _named(names: Mapping[str, str], value: object) -> str | None:
    return names.get(value, value) if isinstance(value, str) else None


SPEECH: Mapping[Surface, Speech] = {
    Surface.CHAT: Speech(
        path="/v1/chat/completions",
        question=_chat,
        of_stream=answer.of_stream,
        of_whole=answer.of_whole,
        asked_at=("/chat/completions",),
    ),
    Surface.MESSAGES: Speech(
        path="/anthropic/v1/messages",
        question=_messages,
        of_stream=messages_stream,
        of_whole=messages_whole,
        asked_at=("/messages", "/chat/completions"),
        key_header="x-api-key",
    ),
    Surface.RESPONSES: Speech(
        path="/v1/responses",
        question=_responses,
        of_stream=responses_stream,
        of_whole=responses_whole,
        asked_at=("/responses", "/chat/completions"),
    ),
}
