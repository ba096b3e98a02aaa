"""An answer as it arrives, piece by piece, to what is known of it. Reads server-sent events, and whole JSON answers.

Content is anything said, in any member: text, a refusal, a call of a tool, reasoning. Comments, empty deltas and a lone
role keep a connection alive and are nothing else. The provider's words are not kept, only what they mean; that the
routers' core/answer/chunk.lua takes the same meaning is held by tests/contract/router/events.json.
"""

import json
from collections.abc import Mapping
from typing import TypeGuard

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.heartbeat import is_heartbeat
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.pricing import usage_of
from poolkeeper.probing.sse import Event, EventReader, is_stream, without_opening
from poolkeeper.providers.refusal_reason import refused_with

LARGEST_BYTES = 1 << 20
"""No answer to a probe is as long; what is longer is not read on."""
_CUT_REASONS = frozenset({"insufficient_system_resource", "abort", "aborted", "cancelled", "canceled", "timeout"})
_REASONING = frozenset({"reasoning", "reasoning_content", "reasoning_details"})
_NO_CONTENT = frozenset({"role"})
_NO_REASON = frozenset({"", "null", "none", "None"})
"""What servers fill finish_reason with before they have one."""


class AnswerReader:
    """feed() what arrives, then ended(). provider: whose error format a refusal has."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._status = 0
        self._content_type = ""
        self._is_stream: bool | None = None
        """None: not known yet."""
        self._headers_ms: float | None = None
        self._alive_ms: float | None = None
        self._first_ms: float | None = None
        self._last_ms: float | None = None
        self._events = EventReader()
        self._body: list[bytes] = []
        self._read = 0
        self._pieces = 0
        self._has_text = False
        self._has_reasoning = False
        self._finish: str | None = None
        self._model = ""
        self._usage: Usage | None = None
        self._is_invalid = False
        self._is_cut = False
        self._refused: ProbeReason | None = None
        self.is_done = False
        """[DONE] has come, or there is nothing to wait for any more."""

    @property
    def _is_ok(self) -> bool:
        return 200 <= self._status < 300

    @property
    def has_begun(self) -> bool:
        """There has been content."""
        return self._first_ms is not None

    @property
    def has_finished(self) -> bool:
        """There has been a reason to finish."""
        return self._finish is not None

    def headers(self, status: int, content_type: str, at_ms: float) -> None:
        self._status, self._headers_ms, self._content_type = status, at_ms, content_type

    def feed(self, data: bytes, at_ms: float) -> None:
        if data and self._alive_ms is None:
            self._alive_ms = at_ms
        self._read += len(data)
        if self._read > LARGEST_BYTES:
            self._is_invalid = self.is_done = True
            return
        if self._is_stream is None:
            data = without_opening(b"".join((*self._body, data)))
            self._body = []
            self._is_stream = is_stream(data, self._content_type) if self._is_ok else False
        if not self._is_stream:
            self._body.append(data)
            return
        for event in self._events.feed(data):
            if not self.is_done:
                self._event(event, at_ms)

    def ended(self, at_ms: float, gave_up: bool = False, broken: bool = False) -> Exchange:
        """gave_up: we stopped waiting. broken: the connection failed."""
        if not self._is_stream and self._status and not gave_up and not broken:
            self._whole(at_ms)
        return Exchange(
            status=self._status,
            refused=self._refused,
            headers_ms=self._headers_ms,
            alive_ms=self._alive_ms,
            first_content_ms=self._first_ms,
            last_content_ms=self._last_ms,
            ended_ms=at_ms,
            ending=self._ending(gave_up, broken),
            pieces=self._pieces,
            has_text=self._has_text,
            has_reasoning=self._has_reasoning,
            finish=self._finish,
            model=self._model,
            usage=self._usage,
            is_invalid=self._is_invalid,
        )

    def _ending(self, gave_up: bool, broken: bool) -> Ending:
        if self._is_cut:
            return Ending.CUT
        if self.is_done or (self._finish and not broken):
            return Ending.COMPLETE
        return Ending.GAVE_UP if gave_up else Ending.CUT

    def _event(self, event: Event, at_ms: float) -> None:
        if event.data == "[DONE]":
            self.is_done = True
        elif event.data:
            value = _decoded(event.data)
            if not isinstance(value, Mapping | list) and event.name != "error" and is_heartbeat(event.data):
                return
            if _is_error(value, event.name) or _has_bad_choice(value):
                self._fail(event.data.encode())
            elif not isinstance(value, Mapping | list) or not self._take(value, "delta", at_ms):
                self._is_invalid = self.is_done = True

    def _whole(self, at_ms: float) -> None:
        """A body that is no stream: a refusal, an error in a 200, or the whole answer at once."""
        body = b"".join(self._body)
        value = _decoded(body) if self._is_ok else None
        if _is_answer(value) and not _is_error(value, ""):
            self._take(value, "message", at_ms)
            self.is_done = True
        elif not self._is_ok or body.strip():
            self._fail(body)

    def _fail(self, data: bytes) -> None:
        """An error in place of an answer, or after a part of one."""
        self._is_cut = self._pieces > 0
        status = 200 if self._is_ok else self._status
        self._refused = None if self._is_cut else refused_with(status, data, self._provider)
        self.is_done = True

    def _take(self, value: object, member: str, at_ms: float) -> bool:
        """member: that of a choice which says something. False: no client could read this."""
        answer = value if isinstance(value, Mapping) else {}
        self._model = answer["model"] if isinstance(answer.get("model"), str) else self._model
        self._usage = usage_of(answer.get("usage")) or self._usage
        choices = answer.get("choices")
        is_delta = member == "delta"
        if is_delta and isinstance(choices, list) and _is_whole(choices):
            member = "message"
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, Mapping):
                return False
            said = choice.get(member)
            members = said if isinstance(said, Mapping) else {"text": choice.get("text")}
            calls = members.get("tool_calls")  # pieces of them, which are put together by their index
            if is_delta and member == "message" and not isinstance(calls, list):
                members = {name: value for name, value in members.items() if name != "tool_calls"}
            if is_delta and isinstance(calls, list) and not all(isinstance(call, Mapping) for call in calls):
                return False
            self._choice(members, choice.get("finish_reason"), choice.get("native_finish_reason"), at_ms)
        return True

    def _choice(self, members: Mapping[str, object], finish: object, native: object, at_ms: float) -> None:
        saying = {name for name, said in members.items() if said and isinstance(said, str | list | Mapping)}
        saying -= _NO_CONTENT
        if saying:
            self._pieces += 1
            self._first_ms = at_ms if self._first_ms is None else self._first_ms
            self._last_ms = at_ms
            self._has_text |= bool(saying - _REASONING)
            self._has_reasoning |= bool(saying & _REASONING)
        if isinstance(finish, str) and finish not in _NO_REASON:
            self._finish = finish
            self._is_cut |= _is_cut(finish) or _is_cut(native)
        elif saying:
            self._finish = None  # one that more content follows was none


def _decoded(text: str | bytes) -> object:
    """None: it is no JSON, or null."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _is_error(value: object, event_name: str) -> bool:
    """Most say "error"; SiliconFlow's is a message and nothing around it; others put its members beside no choices."""
    if not isinstance(value, Mapping):
        return event_name == "error"
    return (
        event_name == "error"
        or _says_error(value.get("error"))
        or value.get("object") == "error"
        or (not isinstance(value.get("choices"), list | Mapping) and _says_failure(value))
    )


def _has_bad_choice(value: object) -> bool:
    choices = value.get("choices") if isinstance(value, Mapping) else None
    listed = choices if isinstance(choices, list) else []
    return any(isinstance(choice, Mapping) and _says_error(choice.get("error")) for choice in listed)


def _says_failure(value: Mapping[str, object]) -> bool:
    """Without a member "error": the routers' core/answer/says_failure.lua."""
    said = (value.get(name) for name in ("message", "error_message", "error_msg", "detail", "errors"))
    inner = value.get("base_resp")
    return (
        value.get("success") is False
        or value.get("type") in ("error", "response.failed")
        or any(isinstance(words, str) or (isinstance(words, list | Mapping) and bool(words)) for words in said)
        or (isinstance(inner, Mapping) and _is_bad(inner.get("status_code")))
        or (isinstance(value.get("msg"), str) and _is_bad(value.get("code")))
    )


def _is_bad(code: object) -> bool:
    return (
        isinstance(code, str | int | float)
        and not isinstance(code, bool)
        and str(code) not in ("", "0", "200", "success", "ok")
    )


def _says_error(error: object) -> bool:
    """Some gateways send an empty one with every answer."""
    if isinstance(error, Mapping | list):
        members = error.values() if isinstance(error, Mapping) else error
        return any(bool(member) if isinstance(member, Mapping | list) else _says(member) for member in members)
    return _says(error)


def _says(value: object) -> bool:
    return bool(value.strip(" \t\n\v\f\r")) if isinstance(value, str) else bool(value)


def _is_cut(reason: object) -> bool:
    """The routers' core/answer/cut_reason.lua."""
    return isinstance(reason, str) and (reason.lower() in _CUT_REASONS or reason.lower().endswith("error"))


def _is_whole(choices: list[object]) -> bool:
    """A whole answer in one event, where a chunk should be."""
    first = choices[0] if choices else None
    return (
        isinstance(first, Mapping)
        and isinstance(first.get("message"), Mapping | list)
        and not isinstance(first.get("delta"), Mapping | list)
    )


def _is_answer(value: object) -> TypeGuard[Mapping[str, object]]:
    """A whole one, with choices of which each says something, be it nothing."""
    choices = value.get("choices") if isinstance(value, Mapping) else None
    return (
        isinstance(choices, list)
        and bool(choices)
        and all(
            isinstance(choice, Mapping)
            and (isinstance(choice.get("message"), Mapping) or isinstance(choice.get("text"), str))
            for choice in choices
        )
    )
