"""The bytes a caller got, to what they say. Strict: whatever no OpenAI client could make sense of is named."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from testing.fakes.deepseek import jsonin

DONE = "[DONE]"


class End(StrEnum):
    CLEAN = "ended properly"
    CUT = "was cut off"
    HANGS = "never ended"
    LEFT = "was left by the caller"


@dataclass(frozen=True)
class Received:
    """What came over the wire. status 0: not even a head."""

    status: int
    headers: dict[str, str]
    body: bytes
    end: End
    took_s: float
    detail: str = ""


@dataclass
class Answer:
    """text, reasoning, finish_reason, calls (index to name and arguments): of choice 0. ids: of its chunks. usage: how
    many chunks have one. ended: the text of a response's items that are done. strange: what a client would choke on."""

    text: str = ""
    ended: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    error: str | None = None
    done: bool = False
    events: int = 0
    strange: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, str]] = field(default_factory=dict)
    ids: set[object] = field(default_factory=set)
    usage: int = 0


def of_stream(body: bytes) -> Answer:
    answer = Answer()
    for data in events(body.decode("utf-8", "replace")):
        answer.events += 1
        if answer.done:
            answer.strange.append(f"something after [DONE]: {data[:60]!r}")
        elif data == DONE:
            answer.done = True
        else:
            _add(answer, data)
    if len(answer.ids) > 1:
        answer.strange.append(f"chunks of {len(answer.ids)} ids in one stream: accumulators drop all but the first's")
    return answer


def of_whole(body: bytes) -> Answer:
    answer = Answer()
    try:
        fields = jsonin.obj(jsonin.load(body), "body")
    except jsonin.ShapeError as problem:
        answer.strange.append(f"the body is no JSON object: {problem}")
        return answer
    answer.error = error_of(fields)
    for choice in _choices(fields):
        message = choice.get("message")
        if isinstance(message, dict):
            answer.text += said(message.get("content"))
            answer.reasoning += said(message.get("reasoning_content"))
        answer.error = answer.error or error_of(choice)
        answer.finish_reason = said(choice.get("finish_reason")) or None
    return answer


def events(text: str) -> Iterator[str]:
    """The data of each event of an event stream; an unfinished last one is dropped, as clients do."""
    data: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line and data:
            yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))


def _add(answer: Answer, data: str) -> None:
    try:
        fields = jsonin.obj(json.loads(data), "event")
    except (ValueError, jsonin.ShapeError):
        answer.strange.append(f"event {answer.events} is no JSON object: {data[:80]!r}")
        return
    answer.error = answer.error or error_of(fields)
    if fields.get("id"):  # Azure's first chunk has an empty one
        answer.ids.add((fields.get("id"), fields.get("created"), fields.get("model")))
    answer.usage += fields.get("usage") is not None
    for choice in _choices(fields):
        delta = choice.get("delta")
        if isinstance(delta, dict):
            _add_calls(answer, delta.get("tool_calls"))
            answer.text += said(delta.get("content"))
            answer.reasoning += said(delta.get("reasoning_content"))
        answer.finish_reason = said(choice.get("finish_reason")) or answer.finish_reason


def _add_calls(answer: Answer, pieces: object) -> None:
    """As clients do that count calls which have no index; a name that comes again with each piece is one name."""
    for place, piece in enumerate(pieces if isinstance(pieces, list) else []):
        index = piece.get("index", place) if isinstance(piece, dict) else None
        if isinstance(index, int) and isinstance(piece.get("function"), dict):
            name, arguments = answer.calls.get(index, ("", ""))
            named = piece["function"]
            its_name = "" if named.get("name") == name else said(named.get("name"))
            answer.calls[index] = name + its_name, arguments + said(named.get("arguments"))


def _choices(fields: dict[str, object]) -> Iterator[dict[str, object]]:
    choices = fields.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            yield choice


def error_of(fields: dict[str, object]) -> str | None:
    error = fields.get("error")
    if error is None:
        return None
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def said(value: object) -> str:
    return value if isinstance(value, str) else ""
