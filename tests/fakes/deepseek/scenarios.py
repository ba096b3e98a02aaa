"""The table of scenarios: a name, what goes over the wire, its own defaults, and one line of help.

A program gets the parts of a good answer and yields steps; what it leaves out, repeats or breaks is the fault.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from fakes.deepseek import bodies, http1
from fakes.deepseek.answer import DONE, SLICES, Answer, Beat, origin_headers
from fakes.deepseek.steps import Close, Hang, Queue, Reset, Send, Steps, Wait

Program = Callable[[Answer], Steps]
RESET_AFTER_S = 0.02
"""A RST discards what the peer's kernel has not delivered yet: let the bytes before it arrive."""
KEEPALIVE_COMMENT = b": keep-alive\n\n"
KEEPALIVE_LINE = b"\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    help: str
    program: Program
    defaults: Mapping[str, object] = field(default_factory=dict)


# --- good answers, whole or up to a point


def ok(answer: Answer) -> Steps:
    yield from upto(answer, None)
    yield Send(answer.end)
    yield from _after(answer)


def upto(answer: Answer, limit: int | None) -> Steps:
    """A good answer's first `limit` chunks of content; all of it but the end for None."""
    beats = _sliced(answer) if not answer.ask.stream else _streamed(answer)
    done = 0
    for beat in beats:
        if limit is not None and done + beat.chunks > limit:
            return
        done += beat.chunks
        if beat.wait_s:
            yield Wait(beat.wait_s)
        yield Send(beat.data, beat.chunks)


def _streamed(answer: Answer) -> Iterator[Beat]:
    if answer.params.early_headers:
        yield Beat(0.0, answer.head(), 0)
    else:
        yield Beat(answer.params.first_token_s, answer.head(), 0)
    for beat in answer.beats():
        yield Beat(beat.wait_s, answer.frame(beat.data) if beat.data else b"", beat.chunks)
    yield Beat(0.0, answer.frame(DONE), 0)


def _sliced(answer: Answer) -> Iterator[Beat]:
    body = answer.body()
    yield Beat(answer.whole_wait_s(), answer.head(length=len(body)), 0)
    answer.chunked = False
    size = -(-len(body) // SLICES)
    for at in range(0, len(body), size):
        yield Beat(0.0, body[at : at + size], 1)


def _after(answer: Answer) -> Steps:
    if answer.params.connection_close:
        yield Close()


# --- refusals: a status and a body


def refusal(status: int, body: Callable[[Answer], bytes], kind: str = "application/json") -> Program:
    def program(answer: Answer) -> Steps:
        yield Wait(answer.params.first_token_s)
        yield Send(plain(answer, answer.params.status or status, body(answer), kind))
        yield from _after(answer)

    return program


def plain(answer: Answer, status: int, body: bytes, kind: str = "application/json") -> bytes:
    """A complete response that is no stream."""
    params = answer.params
    headers = [("content-type", kind), ("content-length", str(len(body))), *origin_headers(answer.origin)]
    if params.retry_after_s is not None:
        date = formatdate(answer.origin.created_s + params.retry_after_s, usegmt=True)
        headers.append(("retry-after", date if params.retry_after_date else f"{params.retry_after_s:g}"))
    if params.retry_after_ms is not None:
        headers.append(("retry-after-ms", f"{params.retry_after_ms:g}"))
    if params.connection_close:
        headers.append(("connection", "close"))
    return http1.response_head(status, tuple(headers)) + body


def _rate_limit(answer: Answer) -> bytes:
    params = answer.params
    return bodies.rate_limit(params.concurrency, params.concurrency_limit, params.message)


def _invalid(message: str) -> Callable[[Answer], bytes]:
    return lambda answer: bodies.invalid_request(answer.params.message or message)


# --- never an answer


def keepalive_forever(answer: Answer) -> Steps:
    yield Send(answer.head())
    while True:
        yield Send(answer.frame(keepalive(answer)))
        yield Wait(answer.params.keepalive_interval_ms / 1000)


def keepalive(answer: Answer) -> bytes:
    return KEEPALIVE_COMMENT if answer.ask.stream else KEEPALIVE_LINE


def keepalive_then_ok(answer: Answer) -> Steps:
    interval_ms = max(1.0, answer.params.keepalive_interval_ms)
    yield Send(answer.head())
    for _ in range(round(answer.params.keepalive_ms / interval_ms)):
        yield Send(answer.frame(keepalive(answer)))
        yield Wait(interval_ms / 1000)
    yield from headless(answer)


def queue_then_ok(answer: Answer) -> Steps:
    """For a request over the in-flight limit: keep-alives until a slot is free, then a good answer."""
    yield Send(answer.head())
    yield Queue(answer.frame(keepalive(answer)), answer.params.keepalive_interval_ms / 1000)
    yield from headless(answer)


def headless(answer: Answer) -> Steps:
    """A good answer whose head has been sent, its length unknown then."""
    if answer.ask.stream:
        beats = _streamed(answer)
        next(beats)
        for beat in beats:
            if beat.wait_s:
                yield Wait(beat.wait_s)
            yield Send(beat.data, beat.chunks)
    else:
        yield Wait(answer.whole_wait_s())
        yield Send(answer.frame(answer.body()), SLICES)
    yield Send(answer.end)
    yield from _after(answer)


def role_only_forever(answer: Answer) -> Steps:
    if not answer.ask.stream:
        yield from keepalive_forever(answer)
    yield Send(answer.head())
    yield Send(answer.frame(answer.role()))
    while True:
        yield Wait(answer.params.keepalive_interval_ms / 1000)
        yield Send(answer.frame(answer.empty()))


def hang_before_headers(answer: Answer) -> Steps:
    yield Hang()


# --- an answer that goes wrong


def cut(answer: Answer) -> Steps:
    yield from upto(answer, answer.params.after_chunks)
    if answer.params.terminated:
        yield Send(answer.end)
    yield Close()


def reset(answer: Answer) -> Steps:
    yield from upto(answer, answer.params.after_chunks)
    yield Wait(RESET_AFTER_S)
    yield Reset()


def hang_up(answer: Answer) -> Steps:
    """For the scenarios of the listener: a request that still arrives, over an open connection, gets no byte."""
    yield Close()


def stall(answer: Answer) -> Steps:
    yield from upto(answer, answer.params.after_chunks)
    yield Hang()


SCENARIOS: dict[str, Scenario] = {
    "ok": Scenario("a good answer", ok),
    "busy503": Scenario("503: the service is too busy", refusal(503, lambda a: bodies.busy(a.params.message))),
    "rate_limit": Scenario("429 with the concurrency limit, Retry-After on demand", refusal(429, _rate_limit)),
    "insufficient_balance": Scenario("402", refusal(402, lambda a: bodies.balance(a.params.message))),
    "keepalive_forever": Scenario("200, then keep-alive comments or blank lines and nothing else", keepalive_forever),
    "keepalive_then_ok": Scenario("keep-alives for keepalive_ms, then a good answer", keepalive_then_ok),
    "role_only_forever": Scenario("200, a role, then empty deltas for ever", role_only_forever),
    "hang_before_headers": Scenario("not one byte, the socket open", hang_before_headers),
    "cut": Scenario("FIN after after_chunks; `terminated`: with a correct chunked end", cut),
    "reset": Scenario("RST after after_chunks", reset),
    "refuse": Scenario("no listener, no idle connection; `drop` also resets the busy ones", hang_up),
    "close_on_accept": Scenario("connections are accepted and closed", hang_up),
    "stall": Scenario("silence after after_chunks, the socket open", stall),
}
