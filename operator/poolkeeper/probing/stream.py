"""An answer as it arrives, piece by piece, to what is known of it. Reads server-sent events, and whole JSON answers.

Content is text, reasoning or a call of a tool. Comments, blank lines, empty deltas and a lone role keep a connection
alive and are nothing else. The provider's words are not kept, only what they mean.
"""

import json
from collections.abc import Mapping

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.pricing import usage_of
from poolkeeper.providers.refusal_reason import refused_with

LARGEST_BYTES = 1 << 20
"""No answer to a probe is as long; what is longer is not read on."""
_CUT_REASONS = ("insufficient_system_resource", "error")


class AnswerReader:
    """feed() what arrives, then ended(). provider: whose dialect a refusal is in."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._status = 0
        self._is_stream = False
        self._headers_ms: float | None = None
        self._alive_ms: float | None = None
        self._first_ms: float | None = None
        self._last_ms: float | None = None
        self._carry = b""
        self._data: list[str] = []
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
    def has_begun(self) -> bool:
        """There has been content."""
        return self._first_ms is not None

    @property
    def has_finished(self) -> bool:
        """There has been a reason to finish."""
        return self._finish is not None

    def headers(self, status: int, content_type: str, at_ms: float) -> None:
        self._status, self._headers_ms = status, at_ms
        self._is_stream = status == 200 and "text/event-stream" in content_type.lower()

    def feed(self, data: bytes, at_ms: float) -> None:
        if data and self._alive_ms is None:
            self._alive_ms = at_ms
        self._read += len(data)
        if self._read > LARGEST_BYTES:
            self._is_invalid = self.is_done = True
            return
        self._carry += data
        if self._is_stream:
            *lines, self._carry = self._carry.split(b"\n")
            for line in lines:
                self._line(line.rstrip(b"\r"), at_ms)

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

    def _line(self, line: bytes, at_ms: float) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].decode("utf-8", "replace").removeprefix(" "))
        elif not line and self._data:
            data, self._data = "\n".join(self._data), []
            self._event(data, at_ms)

    def _event(self, data: str, at_ms: float) -> None:
        if data.strip() == "[DONE]":
            self.is_done = True
            return
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            self._is_invalid = True
            return
        self._value(value, data.encode(), at_ms)

    def _whole(self, at_ms: float) -> None:
        """A body that is no stream: a refusal, an error in a 200, or the whole answer at once."""
        try:
            value = json.loads(self._carry)
        except (ValueError, RecursionError):
            value = None
        if self._status == 200 and isinstance(value, Mapping) and isinstance(value.get("choices"), list):
            self._value(value, self._carry, at_ms)
        elif self._status != 200 or self._carry.strip():
            self._refused = refused_with(self._status, self._carry, self._provider)

    def _value(self, value: object, data: bytes, at_ms: float) -> None:
        if not isinstance(value, Mapping):
            self._is_invalid = True
            return
        if value.get("error") is not None or value.get("object") == "error":
            self._is_cut = self._pieces > 0
            self._refused = None if self._is_cut else refused_with(self._status, data, self._provider)
            self.is_done = True
            return
        self._model = value["model"] if isinstance(value.get("model"), str) else self._model
        self._usage = usage_of(value.get("usage")) or self._usage
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping):
                self._choice(choice, at_ms)

    def _choice(self, choice: Mapping[str, object], at_ms: float) -> None:
        delta = choice.get("delta") or choice.get("message")
        said = delta if isinstance(delta, Mapping) else {"content": choice.get("text")}
        text = bool(said.get("content")) or bool(said.get("tool_calls"))
        reasoning = bool(said.get("reasoning_content")) or bool(said.get("reasoning"))
        if text or reasoning:
            self._pieces += 1
            self._first_ms = at_ms if self._first_ms is None else self._first_ms
            self._last_ms = at_ms
            self._has_text |= text
            self._has_reasoning |= reasoning
        finish = choice.get("finish_reason")
        if isinstance(finish, str):
            self._finish = finish
            self._is_cut |= finish in _CUT_REASONS
