"""A case and what happened, to the expectations that do not hold, in words. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from testing.conformance.answer import Answer, End, Received, of_whole
from testing.conformance.case import (
    CALLER_KEY,
    Body,
    Broken,
    Called,
    Case,
    Mode,
    Nothing,
    ProviderError,
    Refused,
    Seen,
    Surface,
    Want,
    Whole,
)
from testing.conformance.prefix_cache import Served, cache_faults
from testing.conformance.speech import SPEECH
from testing.fakes.deepseek.log import Outcome
from testing.gateways.gateway import Endpoint

TIMER_SLACK_MS = 20
"""Clocks of two processes, and what the answer needed to get through."""


@dataclass(frozen=True)
class Attempt:
    """One request as a provider saw it."""

    at_s: float
    key: str | None
    model: str
    path: str
    headers: dict[str, str]
    outcome: Outcome
    chunks: int
    prompt: tuple[int, int] | None = None
    """Of an answer: the tokens of its prompt that the provider had cached, and all of them."""


@dataclass(frozen=True)
class Reference:
    """What the scripted provider says to this request when it is well, with no gateway in between."""

    text: str
    reasoning: str


@dataclass(frozen=True)
class Exchange:
    """One request of the caller: what was wanted, what came, what a healthy provider would have said."""

    want: Want
    received: Received
    reference: Reference
    surface: Surface = Surface.CHAT


OF_PROVIDER = "provider "


def faults(
    case: Case, endpoints: Sequence[Endpoint], exchanges: Sequence[Exchange], saw: Sequence[Sequence[Attempt]]
) -> list[str]:
    found = _listed_once([[*caller_faults(case.mode, one), *_usage_faults(case, one)] for one in exchanges])
    for endpoint, seen, attempts in zip(endpoints, case.seen, saw, strict=True):
        about = f"{OF_PROVIDER}{endpoint.name}: "
        found += [about + fault for fault in _provider_faults(endpoint, seen, attempts, case)]
    if case.talk is None:
        return found
    served = sorted(
        Served(attempt.at_s, place, *attempt.prompt)
        for place, seen in enumerate(saw)
        for attempt in seen
        if attempt.prompt
    )
    return [*found, *(f"{OF_PROVIDER}cache: {fault}" for fault in cache_faults(served, case.talk, case.steady))]


def is_of_provider(fault: str) -> bool:
    """Is it about what a provider saw? Else it is about what the caller got."""
    return fault.startswith(OF_PROVIDER)


def _usage_faults(case: Case, exchange: Exchange) -> Iterator[str]:
    """Usage of a streamed chat answer goes to who asked for it, once, and to nobody else."""
    received = exchange.received
    if case.surface is not Surface.CHAT or case.mode is not Mode.STREAM or received.status != 200:
        return
    usage, asked = SPEECH[case.surface].of_stream(received.body).usage, "stream_options" in case.request
    if usage and not asked:
        yield f"{usage} chunks with usage, which the caller did not ask for"
    if asked and isinstance(exchange.want, Whole) and not usage:
        yield "no usage, which the caller asked for"


def _listed_once(faults_of_requests: Sequence[Sequence[str]]) -> list[str]:
    """A fault that several requests have is listed once, with their numbers."""
    if len(faults_of_requests) == 1:
        return list(faults_of_requests[0])
    numbers: dict[str, list[str]] = {}
    for number, found in enumerate(faults_of_requests, 1):
        for fault in found:
            numbers.setdefault(fault, []).append(str(number))
    return [f"request {', '.join(which)}: {fault}" for fault, which in numbers.items()]


# --- the caller's side


def caller_faults(mode: Mode, exchange: Exchange) -> list[str]:
    want, received = exchange.want, exchange.received
    if isinstance(want, Nothing):
        return []
    if received.end is End.HANGS:
        return [f"no end of the answer within {received.took_s:.0f} s"]
    if isinstance(want, (ProviderError, Refused)):
        return list(_error_faults(want, received))
    if isinstance(want, Body):
        return list(_body_faults(received, want))
    speech = SPEECH[exchange.surface]
    answer = speech.of_stream(received.body) if mode is Mode.STREAM else speech.of_whole(received.body)
    if isinstance(want, Called):
        return list(_call_faults(answer, want, received))
    if isinstance(want, Whole):
        return list(_whole_faults(answer, exchange, mode))
    broken = list(_broken_faults(answer, exchange))
    if isinstance(want, Broken) or not broken:
        return broken
    whole = list(_whole_faults(answer, exchange, mode))
    return [f"neither whole ({'; '.join(whole)}) nor an honest error ({'; '.join(broken)})"] if whole else []


def _whole_faults(answer: Answer, exchange: Exchange, mode: Mode) -> Iterator[str]:
    received, want = exchange.received, exchange.want
    if received.status != 200:
        yield f"{_status(received)}, wanted the whole answer"
        return
    yield from answer.strange
    if answer.error is not None:
        yield f"an error instead of the whole answer: {answer.error[:120]}"
    yield from _text_faults(answer, exchange.reference)
    if answer.finish_reason != "stop":
        yield f"finish_reason {answer.finish_reason}, wanted stop"
    if mode is Mode.STREAM and not answer.done:
        yield "no [DONE]" if exchange.surface is Surface.CHAT else "no last event"
    if received.end is not End.CLEAN:
        yield f"the answer {received.end} ({received.detail})"
    if isinstance(want, Whole) and want.within_ms and received.took_s * 1000 > want.within_ms:
        yield f"took {received.took_s * 1000:.0f} ms, wanted less than {want.within_ms} ms"


def _call_faults(answer: Answer, want: Called, received: Received) -> Iterator[str]:
    if received.status != 200:
        yield f"{_status(received)}, wanted tool calls"
        return
    yield from answer.strange
    if answer.error is not None and want.or_broken:
        if answer.done:
            yield "a clean end ([DONE]) on a cut answer"
        return
    got = tuple(call for _, call in sorted(answer.calls.items()))
    if got != want.calls:
        yield f"the calls {got}, wanted {want.calls}"
    if answer.error is not None:
        yield f"an error instead of the calls: {answer.error[:120]}"
    if not answer.done:
        yield "no [DONE]"


def _body_faults(received: Received, want: Body) -> Iterator[str]:
    if received.status != 200:
        yield f"{_status(received)}, wanted an answer"
        return
    try:
        yield from _differences("the answer", json.loads(received.body), want.value)
    except ValueError:
        yield f"the body is no JSON: {received.body[:80]!r}"


def _differences(where: str, got: object, wanted: object) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(got, dict):
        for name, value in wanted.items():
            yield from _differences(f"{where}.{name}", got.get(name), value)
        for name in got.keys() - wanted.keys():
            if got[name] not in (None, "", [], {}):
                yield f"{where}.{name} is {got[name]!r}, wanted none"
    elif isinstance(wanted, (list, tuple)) and isinstance(got, list) and len(got) == len(wanted):
        for place, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from _differences(f"{where}[{place}]", one, other)
    elif got != wanted:
        yield f"{where} is {got!r}, wanted {wanted!r}"


def _text_faults(answer: Answer, reference: Reference) -> Iterator[str]:
    pairs = (("text", answer.text, reference.text), ("reasoning", answer.reasoning, reference.reasoning))
    for what, got, wanted in pairs:
        if got == wanted:
            continue
        if wanted.startswith(got):
            yield f"only {len(got)} of {len(wanted)} characters of the {what}"
        else:
            same = next((i for i, (x, y) in enumerate(zip(got, wanted, strict=False)) if x != y), len(wanted))
            there = slice(same, same + 30)
            yield f"another {what} from character {same} on: {got[there]!r}, wanted {wanted[there]!r}"


def _broken_faults(answer: Answer, exchange: Exchange) -> Iterator[str]:
    received, reference = exchange.received, exchange.reference
    if received.status != 200:
        yield f"{_status(received)}, wanted a stream that ends in an error event"
        return
    yield from answer.strange
    if not answer.text and not answer.reasoning:
        yield "no text at all before the error"
    if not (reference.text.startswith(answer.text) and reference.reasoning.startswith(answer.reasoning)):
        yield from _text_faults(answer, reference)
    if answer.error is None:
        yield "no error event"
    if answer.done:
        yield "a clean end ([DONE]) on a cut answer"
    if answer.finish_reason in ("stop", "length"):
        yield f"finish_reason {answer.finish_reason} on a cut answer"


def _error_faults(want: ProviderError | Refused, received: Received) -> Iterator[str]:
    wanted = (want.status,) if isinstance(want, ProviderError) else want.statuses
    if received.status not in wanted:
        yield f"{_status(received)}, wanted {' or '.join(map(str, wanted))}"
        return
    answer = of_whole(received.body)
    yield from answer.strange
    if answer.error is None:
        yield "no error member in the body"
    elif isinstance(want, ProviderError) and want.message not in answer.error:
        yield f"the message says {answer.error[:120]!r}, wanted the provider's own: {want.message!r}"
    if isinstance(want, Refused):
        if want.retry_after and "retry-after" not in received.headers:
            yield "no Retry-After"
        if want.within_ms and received.took_s * 1000 > want.within_ms:
            yield f"took {received.took_s * 1000:.0f} ms, wanted less than {want.within_ms} ms"


def _status(received: Received) -> str:
    if not received.status:
        return f"no answer at all ({received.detail})"
    said = of_whole(received.body).error if received.status >= 400 else None
    return f"status {received.status}" + (f" ({said[:120]})" if said else "")


# --- the providers' side


def _provider_faults(endpoint: Endpoint, seen: Seen | None, attempts: Sequence[Attempt], case: Case) -> Iterator[str]:
    yield from _identity_faults(endpoint, attempts, SPEECH[case.surface].asked_at)
    if any(attempt.outcome is Outcome.IN_PROGRESS for attempt in attempts):
        yield "an attempt is still open long after the caller's answer"
    if seen is None:
        return
    if not seen.at_least <= len(attempts) <= seen.at_most:
        wanted = f"{seen.at_least}" if seen.at_least == seen.at_most else f"{seen.at_least} to {seen.at_most}"
        yield f"{len(attempts)} attempts, wanted {wanted}"
    if seen.gap_ms and len(attempts) > 1:
        gap_ms = (attempts[1].at_s - attempts[0].at_s) * 1000
        if gap_ms < seen.gap_ms - TIMER_SLACK_MS:
            yield f"asked again after {gap_ms:.0f} ms, wanted a backoff of {seen.gap_ms} ms"
    tokens = case.dials.get("tokens", 16)
    for attempt in attempts if seen.cancelled else ():
        if attempt.outcome is not Outcome.CLIENT_CLOSED:
            yield f"the attempt {attempt.outcome}, wanted it cancelled when the caller left"
        elif isinstance(tokens, int) and attempt.chunks > tokens / 2:
            yield f"cancelled after {attempt.chunks} of {tokens} tokens: long after the caller left"


def _identity_faults(endpoint: Endpoint, attempts: Sequence[Attempt], asked_at: tuple[str, ...]) -> Iterator[str]:
    """Own key, own model name, nothing of the caller's credentials: whatever else went wrong."""
    for attempt in attempts:
        if attempt.key != endpoint.key:
            yield f"came with the key {attempt.key!r}, wanted its own {endpoint.key!r}"
        if attempt.model not in endpoint.models.values():
            yield f"asked for the model {attempt.model!r}, wanted one of its own: {', '.join(endpoint.models.values())}"
        if not attempt.path.partition("?")[0].endswith(asked_at):
            yield f"asked at {attempt.path}"
        if endpoint.key != CALLER_KEY and any(CALLER_KEY in value for value in attempt.headers.values()):
            yield "saw the caller's own key"
