"""The table of scenarios: a name, its program, its own defaults, and one line of help."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from testing.fakes.deepseek import bodies, faults, programs
from testing.fakes.deepseek.answer import Answer
from testing.fakes.deepseek.programs import Program, refusal
from testing.fakes.deepseek.steps import Steps


@dataclass(frozen=True, slots=True)
class Scenario:
    help: str
    program: Program
    defaults: Mapping[str, object] = field(default_factory=dict)


def play(name: str, answer: Answer) -> Steps:
    steps = SCENARIOS[name].program(answer)
    return programs.split(steps, answer.params) if answer.params.split_bytes else steps


def _refused(status: int, message: str) -> Program:
    return refusal(status, lambda answer: bodies.invalid_request(answer.params.message or message))


def _said(body: Callable[[str], bytes]) -> Callable[[Answer], bytes]:
    return lambda answer: body(answer.params.message)


def _rate_limit(answer: Answer) -> bytes:
    return bodies.rate_limit(answer.params.concurrency, answer.params.concurrency_limit, answer.params.message)


def _context(answer: Answer) -> bytes:
    return bodies.context_too_long(answer.params.context_limit, answer.params.context_limit + answer.ask.prompt_tokens)


def _gateway(status: int, phrase: str) -> Program:
    return refusal(status, lambda answer: bodies.gateway(answer.params.status or status, phrase), "text/html")


SCENARIOS: dict[str, Scenario] = {
    # good
    "ok": Scenario("a good answer", programs.ok),
    "slow_first_token": Scenario("a good answer after first_token_ms", programs.ok, {"first_token_ms": 5000.0}),
    "slow15x": Scenario("a good answer, every delay 15 times as long", programs.ok, {"slow_factor": 15.0}),
    "split": Scenario(
        "a good answer, bytes and events torn anywhere", programs.ok, {"split_bytes": 7, "split_events": 11}
    ),
    "crlf": Scenario("a good answer, SSE lines ending in CR LF", programs.ok, {"crlf": True}),
    "keepalive_then_ok": Scenario("keep-alives for keepalive_ms, then a good answer", faults.keepalive_then_ok),
    "buffered": Scenario("a good answer, held back until it is whole", faults.buffered, {"first_token_ms": 150.0}),
    # refused
    "busy503": Scenario("503: the service is too busy", refusal(503, _said(bodies.busy))),
    "busy200": Scenario("200 with the busy body; as_event: inside a stream", faults.busy200),
    "rate_limit": Scenario("429 with the concurrency limit, Retry-After on demand", refusal(429, _rate_limit)),
    "auth": Scenario("401 with the masked key", refusal(401, lambda answer: bodies.auth(answer.origin.key))),
    "insufficient_balance": Scenario("402; /user/balance says so, too", refusal(402, _said(bodies.balance))),
    "model_missing": Scenario("400 Model Not Exist", refusal(400, lambda _: bodies.model_missing())),
    "bad_request": Scenario("400 invalid format", _refused(400, bodies.FORMAT_MESSAGE)),
    "reasoning_required": Scenario(
        "400 reasoning_content must be passed back", _refused(400, bodies.REASONING_MESSAGE)
    ),
    "context_too_long": Scenario("400 over context_limit tokens", refusal(400, _context)),
    "unprocessable": Scenario("422 invalid parameters", _refused(422, bodies.PARAMETERS_MESSAGE)),
    "error500": Scenario("500 with a JSON body", refusal(500, _said(bodies.server_error))),
    "error502": Scenario("502 with a gateway's HTML", _gateway(502, "Bad Gateway")),
    "error504": Scenario("504 with a gateway's HTML", _gateway(504, "Gateway Time-out")),
    # never an answer
    "keepalive_forever": Scenario("200, then keep-alive comments or blank lines for ever", faults.keepalive_forever),
    "role_only_forever": Scenario("200, a role, then empty deltas for ever", faults.role_only_forever),
    "hang_before_headers": Scenario("not one byte, the socket open", faults.hang),
    "close_on_accept": Scenario("connections are accepted and closed", faults.hang_up),
    "refuse": Scenario("no listener, no idle connection; drop: busy ones are reset", faults.hang_up),
    # ends badly, after after_chunks chunks of content
    "cut": Scenario("FIN; terminated: after a correct chunked end", faults.cut),
    "cut_inside_chunk": Scenario("FIN inside an event; terminated: as correct HTTP", faults.cut_inside_chunk),
    "reset": Scenario("RST", faults.reset),
    "stall": Scenario("silence, the socket open", faults.stall),
    "insufficient_system_resource": Scenario("that finish_reason", faults.insufficient_system_resource),
    "error_in_stream": Scenario("an error event; format openrouter or vllm", faults.error_in_stream),
    "invalid_chunk": Scenario("one event with broken JSON, then the rest of a good answer", faults.invalid_chunk),
    # wrong
    "no_done": Scenario("a whole stream but [DONE], the socket open", faults.no_done),
    "empty_200": Scenario("200 without a body", faults.empty_200),
    "empty_content": Scenario("finish_reason stop, no content, all in reasoning_content", faults.empty_content),
}
