"""Programs turn an answer into steps. Here: good answers, short refusals, and the pieces that faults are made of.

Each works for streams and for whole answers; chunks of content are deltas of the one, slices of the other.
"""

import random
from collections.abc import Callable
from email.utils import formatdate

from testing.fakes.deepseek import bodies, http1
from testing.fakes.deepseek.answer import Answer, Beat, origin_headers, pieces
from testing.fakes.deepseek.ask import Surface
from testing.fakes.deepseek.params import Params
from testing.fakes.deepseek.reply import Origin
from testing.fakes.deepseek.steps import Close, Send, Steps, Wait

Program = Callable[[Answer], Steps]


# --- good answers


def ok(answer: Answer) -> Steps:
    yield from opening(answer)
    yield from rest(answer)


def opening(answer: Answer) -> Steps:
    if answer.head_wait_s:
        yield Wait(answer.head_wait_s)
    yield Send(answer.head(), status=200)


def rest(answer: Answer) -> Steps:
    for beat in answer.beats():
        yield from played(answer, beat)
    yield from ending(answer)


def ending(answer: Answer, *, done: bool = True) -> Steps:
    yield Send((answer.frame(answer.writer.done) if answer.ask.stream and done else b"") + answer.end)
    if answer.closes:
        yield Close(finished=True)


def upto_fault(answer: Answer) -> Steps:
    """Head and the first `after_chunks` chunks of content; past the last one, all but the last event."""
    yield from opening(answer)
    said = 0
    for beat in answer.beats():
        if said + beat.chunks > answer.params.after_chunks:
            return
        said += beat.chunks
        yield from played(answer, beat)


def played(answer: Answer, beat: Beat) -> Steps:
    if beat.wait_s:
        yield Wait(beat.wait_s)
    yield Send(answer.frame(beat.data), beat.chunks)


# --- a status and a body


def refusal(status: int, body: Callable[[Answer], bytes], kind: str = "application/json") -> Program:
    def program(answer: Answer) -> Steps:
        yield Wait(answer.params.first_token_s)
        seen = answer.params.status or status
        said = worded(answer.ask.surface, seen, body(answer))
        yield Send(plain(answer.origin, answer.params, seen, said, kind), status=seen)
        if answer.params.connection_close:
            yield Close(finished=True)

    return program


def worded(surface: Surface | None, status: int, body: bytes) -> bytes:
    """A refusal in the words of the surface."""
    return bodies.in_anthropic(status, body) if surface is Surface.MESSAGES else body


def plain(origin: Origin, params: Params, status: int, body: bytes, kind: str = "application/json") -> bytes:
    """A complete response that is no stream, whatever was asked for."""
    headers = [("content-type", kind), ("content-length", str(len(body))), *origin_headers(origin)]
    if params.retry_after_s is not None:
        date = formatdate(origin.created_s + params.retry_after_s, usegmt=True)
        headers.append(("retry-after", date if params.retry_after_date else f"{params.retry_after_s:g}"))
    if params.retry_after_ms is not None:
        headers.append(("retry-after-ms", f"{params.retry_after_ms:g}"))
    if params.connection_close:
        headers.append(("connection", "close"))
    return http1.response_head(status, tuple(headers)) + body


# --- any of these, in small pieces


def split(steps: Steps, params: Params) -> Steps:
    """The same bytes, written to the socket in pieces that heed no border."""
    dice = random.Random(params.seed)
    for step in steps:
        if not isinstance(step, Send):
            yield step
            continue
        yield Send(b"", step.chunks, step.status)
        for piece in pieces(step.data, params.split_bytes, dice):
            yield Send(piece)
            yield Wait(params.split_pause_ms / 1000)
