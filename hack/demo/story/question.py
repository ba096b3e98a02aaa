"""The client's side: one streamed question with the ordinary openai SDK, its tokens shown as they come."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import OpenAI

MODEL = "deepseek-flash"
ONE_SHOT = {"connection": "close"}
"""So that a Service sends the next question to any of its routers; a kept connection would stay with one."""
MAX_TOKENS = 24
"""Enough to see it stream; the real model on CPU is slow."""


@dataclass(frozen=True)
class Answer:
    """text: all of it; endpoint, tier, attempts: from the headers of the router."""

    text: str
    endpoint: str
    tier: str
    attempts: str
    finish_reason: str | None
    first_token_s: float


def ask(client: OpenAI, question: str, show: Callable[[str], None]) -> Answer:
    """Raises what the SDK raises when there is no answer. No retry of its own: the pool has to be enough."""
    began_s = time.monotonic()
    first_s, text, finish = 0.0, "", None
    response = client.chat.completions.with_raw_response.create(
        model=MODEL,
        messages=[{"role": "user", "content": question}],
        stream=True,
        max_tokens=MAX_TOKENS,
        extra_headers=ONE_SHOT,
    )
    for chunk in response.parse():
        for choice in chunk.choices:
            piece = choice.delta.content or ""
            if piece and not text:
                first_s = time.monotonic() - began_s
            text += piece
            show(piece)
            finish = choice.finish_reason or finish
    return Answer(
        text=text,
        endpoint=response.headers["x-poolkeeper-endpoint"],
        tier=response.headers["x-poolkeeper-tier"],
        attempts=response.headers["x-poolkeeper-attempts"],
        finish_reason=finish,
        first_token_s=first_s,
    )
