"""What is wrong with the key, the model, the conversation or the request: it says nothing about health."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Play, ProviderError, Refused, Seen, Turn, When, times
from testing.conformance.table.rows import BOTH, BUSY, OK, Fault, left_alone, nobody_left, passed_over, plays, script
from testing.fakes.deepseek import bodies

CREDENTIAL, MODEL, CONTEXT = "Credential", "ModelMissing", "ContextTooLong"
INCOMPATIBLE, CLIENT = "Incompatible", "ClientFault"
KEY = Fault(CREDENTIAL, "key-401", "401, the key is invalid", plays("auth"))
BALANCE = Fault(CREDENTIAL, "key-402", "402, out of balance", plays("insufficient_balance"))
FORBIDDEN = Fault(CREDENTIAL, "key-403", "403", plays("auth", status=403))
MISSING = Fault(MODEL, "model-400", "400 Model Not Exist", plays("model_missing"))
TOO_LONG = Fault(CONTEXT, "context", "400, over the context limit", plays("context_too_long"))
REASONING = Fault(INCOMPATIBLE, "reasoning", "400, reasoning_content must be passed back", plays("reasoning_required"))
LARGE = replace(OK, capabilities=("LargeContext",))
FAULTS = (
    ("400", "400, invalid request", plays("bad_request"), ProviderError(400, bodies.FORMAT_MESSAGE)),
    (
        "413",
        "413, body too large",
        plays("bad_request", status=413, message="Payload too large"),
        ProviderError(413, "Payload too large"),
    ),
    ("422", "422, invalid parameters", plays("unprocessable"), ProviderError(422, bodies.PARAMETERS_MESSAGE)),
    (
        "risk",
        "400, content filter",
        plays("bad_request", message="Content Exists Risk"),
        ProviderError(400, "Content Exists Risk"),
    ),
    (
        "quoting",
        "400 that quotes a prompt full of other errors' words",
        plays("bad_request", message="Invalid prompt: 'Insufficient Balance, 401, model not exist'"),
        ProviderError(400, "Invalid prompt"),
    ),
)


def cases() -> Iterator[Case]:
    yield from passed_over(KEY, BALANCE, FORBIDDEN, MISSING)
    for fault in (KEY, FORBIDDEN):
        yield from left_alone(fault, Seen(1, 3), requests=6)  # different requests: one refusal may be the request's
    yield from left_alone(BALANCE, ONCE, requests=6)
    yield from nobody_left(KEY, Refused((401, 500, 502, 503)), ONCE)
    yield from nobody_left(MISSING, Refused((400, 404, 500, 502, 503)), ONCE)
    yield from _model()
    yield from _context()
    yield from passed_over(REASONING)
    yield from nobody_left(REASONING, ProviderError(400, bodies.REASONING_MESSAGE), ONCE)
    yield from _neutral(REASONING, Turn(times=6))
    yield from _client_faults()


def _model() -> Iterator[Case]:
    for mode in BOTH:
        yield MISSING.case(
            mode,
            When.AGAIN,
            "pair",
            title="the model is missing there, other models are not",
            plays=(script(("model_missing", 1, {}), ("ok", 1, {})), OK),
            turns=(Turn(times=3), Turn(model="pro")),
            seen=(times(2), times(3)),
        )
        yield MISSING.case(
            mode,
            When.FIRST,
            "unserved",
            title="an endpoint without the model is never asked for it",
            plays=(replace(OK, models=("pro",)), OK),
            seen=(NEVER, ONCE),
        )


def _context() -> Iterator[Case]:
    turns = (Turn(ProviderError(400, "maximum context length")),)
    for mode in BOTH:
        yield TOO_LONG.case(
            mode,
            When.FIRST,
            "large",
            title="too long here, and another endpoint takes more",
            plays=(TOO_LONG.play, OK, LARGE),
            seen=(ONCE, NEVER, ONCE),
        )
        yield TOO_LONG.case(
            mode, When.FIRST, "told", title="too long, and nobody takes more", turns=turns, seen=(ONCE, NEVER)
        )
        yield TOO_LONG.case(
            mode,
            When.LATER,
            "later",
            title="too long, and nobody takes more",
            plays=(BUSY, TOO_LONG.play, OK),
            turns=turns,
            seen=(ONCE, ONCE, NEVER),
        )
    yield from _neutral(TOO_LONG, Turn(ProviderError(400, "maximum context length"), times=6))


def _client_faults() -> Iterator[Case]:
    """Every provider would say the same: one gets the request, and the caller its answer."""
    for slug, title, play, error in FAULTS:
        fault = Fault(CLIENT, f"client-{slug}", title, play)
        turns = (Turn(error),)
        for mode in BOTH:
            yield fault.case(mode, When.FIRST, "first", plays=(play, play), turns=turns, seen=(ONCE, NEVER))
            yield fault.case(mode, When.LATER, "later", plays=(BUSY, play, play), turns=turns, seen=(ONCE, ONCE, NEVER))
        yield from _neutral(fault, Turn(error, times=6))


def _neutral(fault: Fault, failing: Turn) -> Iterator[Case]:
    """Six in a row do not count against the endpoint: the seventh request goes there as if nothing had been."""
    scenario = fault.play.plan
    legs = Play({"script": [{**scenario, "requests": 6}, {"scenario": "ok"}]})
    other = OK if fault.klass == INCOMPATIBLE else fault.play
    for mode in BOTH:
        yield fault.case(
            mode,
            When.AGAIN,
            "neutral",
            title=f"{fault.title}: does not count against the endpoint",
            plays=(legs, other),
            turns=(failing, Turn()),
            seen=(times(7), None),
        )
