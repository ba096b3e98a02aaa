"""Programs that fail. What each leaves out, repeats or breaks is its fault; scenarios.py says it in a line each."""

from dataclasses import replace

from testing.fakes.deepseek import bodies
from testing.fakes.deepseek.answer import Answer
from testing.fakes.deepseek.programs import ending, ok, opening, played, refusal, rest, upto_fault
from testing.fakes.deepseek.reply import Reply
from testing.fakes.deepseek.steps import Close, Hang, Queue, Reset, Send, Steps, Wait

RESET_AFTER_S = 0.02
"""A RST discards what the peer's kernel has not delivered yet: let the bytes before it arrive."""
KEEPALIVE_COMMENT = b": keep-alive\n\n"
KEEPALIVE_LINE = b"\n"


def busy200(answer: Answer) -> Steps:
    body = bodies.busy(answer.params.message)
    if answer.ask.stream and answer.params.as_event:
        yield from opening(answer)
        yield Send(answer.frame(answer.writer.error_event(body)))
        yield from ending(answer)
    else:
        yield from refusal(200, lambda _: body)(answer)


# --- never an answer, or late


def keepalive_forever(answer: Answer) -> Steps:
    yield Send(_early(answer).head(), status=200)
    while True:
        yield Send(_keepalive(answer))
        yield Wait(answer.params.keepalive_interval_ms / 1000)


def keepalive_then_ok(answer: Answer) -> Steps:
    interval_ms = max(1.0, answer.params.keepalive_interval_ms)
    yield Send(_early(answer).head(), status=200)
    for _ in range(round(answer.params.keepalive_ms / interval_ms)):
        yield Send(_keepalive(answer))
        yield Wait(interval_ms / 1000)
    yield from rest(_early(answer))


def queue_then_ok(answer: Answer) -> Steps:
    """For a request over the in-flight limit: keep-alives until a slot is free, then a good answer."""
    yield Send(_early(answer).head(), status=200)
    yield Queue(_keepalive(answer), answer.params.keepalive_interval_ms / 1000)
    yield from rest(_early(answer))


def buffered(answer: Answer) -> Steps:
    """A middlebox holds a good answer back until it is whole."""
    steps = tuple(ok(answer))
    yield Wait(sum(step.seconds for step in steps if isinstance(step, Wait)))
    sent = [step for step in steps if isinstance(step, Send)]
    yield Send(b"".join(step.data for step in sent), sum(step.chunks for step in sent), status=200)
    yield from (step for step in steps if not isinstance(step, Wait | Send))


def role_only_forever(answer: Answer) -> Steps:
    if not answer.ask.stream:
        yield from keepalive_forever(answer)
    yield Send(answer.head() + answer.frame(answer.writer.role()), status=200)
    while True:
        yield Wait(answer.params.keepalive_interval_ms / 1000)
        yield Send(answer.frame(answer.writer.empty()))


def hang(answer: Answer) -> Steps:
    yield Hang()


def hang_up(answer: Answer) -> Steps:
    """For the listener's scenarios: a request that still arrives, over an open connection, gets no byte."""
    yield Close()


def _early(answer: Answer) -> Answer:
    """The answer when its head goes out before anything of it is known."""
    return answer if answer.length_unknown else replace(answer, length_unknown=True)


def _keepalive(answer: Answer) -> bytes:
    return _early(answer).frame(KEEPALIVE_COMMENT if answer.ask.stream else KEEPALIVE_LINE)


# --- an answer that ends badly


def cut(answer: Answer) -> Steps:
    yield from upto_fault(answer)
    yield Send(answer.end if answer.params.terminated else b"")
    yield Close()


def cut_inside_chunk(answer: Answer) -> Steps:
    """Half an event; `terminated` makes it correct HTTP. Whole answers end anywhere anyway."""
    if not answer.ask.stream:
        yield from cut(answer)
        return
    yield from upto_fault(answer)
    torn = answer.writer.content(answer.params.after_chunks, answer.params.after_chunks + 1)
    half = len(torn) // 2
    yield Send(answer.frame(torn[:half]) + answer.end if answer.params.terminated else answer.frame(torn)[:half])
    yield Close()


def reset(answer: Answer) -> Steps:
    yield from upto_fault(answer)
    yield Wait(RESET_AFTER_S)
    yield Reset()


def stall(answer: Answer) -> Steps:
    yield from upto_fault(answer)
    yield Hang()


def no_done(answer: Answer) -> Steps:
    if not answer.ask.stream:
        yield from ok(answer)
        return
    yield from opening(answer)
    for beat in answer.beats():
        yield from played(answer, beat)
    yield Hang()


def insufficient_system_resource(answer: Answer) -> Steps:
    reason = "insufficient_system_resource"
    if not answer.ask.stream:
        yield from ok(_half(answer, reason))
        return
    ended = replace(answer, change=lambda reply: replace(reply, finish_reason=reason))
    yield from upto_fault(ended)
    yield Send(ended.frame(ended.writer.finish()))
    yield from ending(ended)


# --- an answer that is wrong


def error_in_stream(answer: Answer) -> Steps:
    """The status is long out when generation fails."""
    params = answer.params
    status, message = params.status or 502, params.message or "Provider returned error"
    if not answer.ask.stream:
        body = _half(answer, "error").writer.failed_body(status, message)
        yield from ok(replace(answer, fixed_body=body))
        return
    yield from upto_fault(answer)
    yield Send(answer.frame(answer.writer.failure(status, message, params.dialect)))
    yield from ending(answer, done=False)


def invalid_chunk(answer: Answer) -> Steps:
    """One event that is not JSON in a good answer; a whole answer stops half-way through its JSON."""
    if not answer.ask.stream:
        yield from ok(replace(answer, fixed_body=answer.body[: len(answer.body) // 2]))
        return
    yield from opening(answer)
    said = 0
    for beat in answer.beats():
        if beat.chunks and said == answer.params.after_chunks:
            yield Send(answer.frame(answer.writer.broken()))
        said += beat.chunks
        yield from played(answer, beat)
    yield from ending(answer)


def empty_200(answer: Answer) -> Steps:
    if answer.ask.stream:
        yield Send(answer.head(), status=200)
        yield from ending(answer, done=False)
    else:
        yield from ok(replace(answer, fixed_body=b""))


def empty_content(answer: Answer) -> Steps:
    """finish_reason stop, no content; what was to be the content stands in reasoning_content."""
    yield from ok(replace(answer, change=Reply.silenced))


def _half(answer: Answer, finish_reason: str) -> Answer:
    """An answer with half of its text and another end."""
    return replace(answer, change=lambda reply: replace(reply.shortened(0.5), finish_reason=finish_reason))
