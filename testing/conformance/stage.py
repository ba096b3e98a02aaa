"""The providers of one case, the case played through a gateway, and what both sides saw.

The providers live as long as the stage, so that a gateway can be configured with them before the first case; a case
only changes what they play.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Protocol, Self
from urllib.parse import urlsplit

from testing.conformance.answer import End
from testing.conformance.caller import ask
from testing.conformance.case import CALLER_KEY, HOST_NAME, MODELS, NAMES, Case, Line, Mode, Play, Surface, Turn
from testing.conformance.judge import Attempt, Exchange, Reference, faults
from testing.conformance.speech import SPEECH
from testing.conformance.wire import DeafSocket, WireProvider
from testing.fakes.deepseek import jsonin
from testing.fakes.deepseek.log import Entry, Outcome
from testing.fakes.harness import FakeProvider
from testing.gateways.gateway import Endpoint
from testing.process import NotReadyError

TEXT_MODEL = "flash"
"""All providers write as this model: the text is the same, no matter which one answers."""
HOSTILE = ("[DONE]", "finish_reason", "keep-alive", "</think>")
"""What some of the scripted text says: framing of streams, as words."""
SETTLE_S = 5.0
"""So long an attempt may stay open after the caller has its answer. A hang guard."""
UNTIL_S = 8.0
POLL_S = 0.03


@dataclass(frozen=True)
class Address:
    """Where a gateway answers, and what the pool's models are called there."""

    base_url: str
    models: dict[str, str]
    paths: Mapping[Surface, str] = field(default_factory=dict)
    """Surfaces that are not at their usual place."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What each request must carry."""
    replicas: tuple[str, ...] = ()
    """Base URLs of further replicas: the turns of a case go round all of them."""

    def base_url_of(self, number: int) -> str:
        every = (self.base_url, *self.replicas)
        return every[number % len(every)]


class UnderTest(Protocol):
    """A gateway as the cases see it."""

    @property
    def name(self) -> str: ...

    def version(self) -> str: ...

    def cannot(self, case: Case) -> str:
        """Why the gateway cannot be configured for this case; "" when it can."""

    def serve(self, case: Case, endpoints: Sequence[Endpoint]) -> AbstractContextManager[Address]:
        """The gateway in front of these endpoints, under the case's policy, with no past."""


@dataclass(frozen=True)
class Result:
    case: Case
    faults: tuple[str, ...]
    took_s: float


class Stage:
    """alike: all providers take the caller's key and the pool's names of models, for a gateway that cannot have another
    key or name for each."""

    def __init__(self, *, alike: bool = False) -> None:
        self._alike = alike
        self._stack = ExitStack()
        self._fakes: list[FakeProvider] = []
        self._untrusted: list[FakeProvider] = []
        self._strangers: list[FakeProvider] = []
        self._wires: list[WireProvider] = []
        self._deaf: list[DeafSocket] = []

    def __enter__(self) -> Self:
        self._reference = self._stack.enter_context(FakeProvider("ref", any_model=True, text_model=TEXT_MODEL))
        for name in NAMES:
            self._fakes.append(self._stack.enter_context(self._fake(name)))
            self._untrusted.append(self._stack.enter_context(self._fake(name, tls_names=("localhost", "127.0.0.1"))))
            self._strangers.append(self._stack.enter_context(self._fake(name, text_seed="another text")))
            self._wires.append(self._stack.enter_context(WireProvider(self._reference.url)))
            self._deaf.append(DeafSocket())
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        for deaf in self._deaf:
            deaf.stop()

    def endpoints(self, case: Case) -> tuple[Endpoint, ...]:
        return tuple(self._endpoint(place, play) for place, play in enumerate(case.plays))

    def _endpoint(self, place: int, play: Play) -> Endpoint:
        name = NAMES[place]
        return Endpoint(
            name=name,
            url=self._base_url(place, play.line) + "/v1",
            key=self._key(name),
            models={model: self._model(name, model) for model in play.models},
            tier=place if play.tier is None else play.tier,
            dialect=play.dialect,
            capabilities=play.capabilities,
            max_connections=play.max_connections,
        )

    def _base_url(self, place: int, line: Line) -> str:
        match line:
            case Line.SCRIPTED | Line.UNTRUSTED | Line.STRANGER:
                return self._scripted(place, line).url
            case Line.NAMED:
                return f"http://{HOST_NAME}:{urlsplit(self._scripted(place, line).url).port}"
            case Line.WIRE:
                return self._wires[place].url
            case Line.DEAF:
                return f"http://127.0.0.1:{self._deaf[place].port}"
            case Line.NO_SUCH_NAME:
                return "https://no-such-provider.invalid"

    def _key(self, name: str) -> str:
        return CALLER_KEY if self._alike else key_of(name)

    def _model(self, name: str, model: str) -> str:
        return model if self._alike else f"{name}-{model}"

    def _fake(self, name: str, *, tls_names: tuple[str, ...] = (), text_seed: str = "") -> FakeProvider:
        return FakeProvider(
            name,
            keys=[self._key(name)],
            models=[self._model(name, model) for model in MODELS],
            text_model=TEXT_MODEL,
            text_seed=text_seed,
            tls_names=tls_names,
        )

    # --- a case

    def play(self, case: Case, gateway: UnderTest) -> Result:
        began_s = time.monotonic()
        reason = gateway.cannot(case)
        if reason:
            return Result(case, (reason,), 0.0)
        endpoints = self.endpoints(case)
        self._reference.play({"scenario": "ok", "params": {**case.dials, "first_token_ms": 0, "token_interval_ms": 0}})
        for place, play in enumerate(case.plays):
            self._set(place, play, case)
        try:
            with gateway.serve(case, endpoints) as address:
                exchanges = list(self._turns(case, address))
                self._settle(case)
                saw = [self._attempts(place, play.line) for place, play in enumerate(case.plays)]
        except NotReadyError:
            return Result(case, ("the gateway did not start with these providers",), time.monotonic() - began_s)
        return Result(case, tuple(faults(case, endpoints, exchanges, saw)), time.monotonic() - began_s)

    def _set(self, place: int, play: Play, case: Case) -> None:
        if play.line is Line.WIRE:
            self._wires[place].play(play.plan)
            return
        fake = self._scripted(place, play.line)
        fake.reset()
        fake.play(_with_dials(play.plan, case.dials))

    def _scripted(self, place: int, line: Line) -> FakeProvider:
        return {Line.UNTRUSTED: self._untrusted, Line.STRANGER: self._strangers}.get(line, self._fakes)[place]

    def _turns(self, case: Case, address: Address) -> Iterator[Exchange]:
        """All requests of the case, one after the other; the first that hangs is the last, for it would only repeat."""
        said: list[object] = []
        for number, turn in enumerate(self._asked(case)):
            exchange = self._ask(case, turn, number, address, said)
            yield exchange
            if exchange.received.end is End.HANGS:
                return

    def _asked(self, case: Case) -> Iterator[Turn]:
        for turn in case.turns:
            time.sleep(turn.pause_ms / 1000)
            if turn.until is None:
                yield from [turn] * turn.times
                continue
            place, count = turn.until
            deadline_s = time.monotonic() + UNTIL_S
            while len(self._attempts(place, case.plays[place].line)) < count and time.monotonic() < deadline_s:
                yield turn
                time.sleep(POLL_S)

    def _ask(self, case: Case, turn: Turn, number: int, address: Address, said: list[object]) -> Exchange:
        """said: the conversation so far; it grows where the case is one."""
        body, reference = self._question(case, number, said)
        model = address.models[turn.model]
        path = case.manner.path.format(model=model) or address.paths.get(case.surface, "")
        received = ask(
            address.base_url_of(number),
            {"model": model, **body},
            turn.leave,
            surface=case.surface,
            path=path,
            extra=address.headers,
            manner=case.manner,
        )
        if case.talk is not None:
            said[:] = [*jsonin.array(body["messages"], "messages"), {"role": "assistant", "content": reference.text}]
        return Exchange(turn.want, received, reference, case.surface)

    def _question(self, case: Case, number: int, said: list[object]) -> tuple[dict[str, object], Reference]:
        """A question, and what a healthy provider says to it.

        No two requests ask the same, so that nothing can come out of a cache of earlier answers; the same request asks
        the same in every run.
        """
        for salt in itertools.count():
            question = f"{case.name}: what comes after {number}? ({salt})"
            asked = SPEECH[case.surface].question("Answer.", question)
            if said:
                asked = {"messages": [*said, *jsonin.array(asked["messages"], "messages")[1:]]}
            body = {**asked, "stream": case.mode is Mode.STREAM, **case.request}
            reference = self._healthy(case, {"model": TEXT_MODEL, **body})
            if case.hostile_text or not any(mark in reference.text + reference.reasoning for mark in HOSTILE):
                break
        return body, reference

    def _healthy(self, case: Case, body: dict[str, object]) -> Reference:
        received = ask(self._reference.url + "/v1", body, surface=case.surface)
        if received.status != 200 or received.end is not End.CLEAN:
            raise RuntimeError(f"the reference answer to {case.name}: status {received.status}, {received.end}")
        speech = SPEECH[case.surface]
        answer = (speech.of_stream if case.mode is Mode.STREAM else speech.of_whole)(received.body)
        return Reference(answer.text, answer.reasoning)

    # --- what the providers saw

    def _settle(self, case: Case) -> None:
        """Give attempts that were left a moment to be noticed as such."""
        deadline_s = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline_s:
            saw = [self._attempts(place, play.line) for place, play in enumerate(case.plays)]
            if all(attempt.outcome is not Outcome.IN_PROGRESS for attempts in saw for attempt in attempts):
                return
            time.sleep(POLL_S)

    def _attempts(self, place: int, line: Line) -> list[Attempt]:
        if line is Line.WIRE:
            return self._wires[place].attempts()
        return [_attempt(entry) for entry in self._scripted(place, line).log() if entry.method == "POST"]


def _with_dials(plan: Mapping[str, object], dials: Mapping[str, object]) -> dict[str, object]:
    """The plan, with the case's dials under those of each of its legs."""
    legs = plan.get("script")
    if isinstance(legs, list):
        return {**plan, "script": [_with_dials(leg, dials) for leg in legs]}
    return {**plan, "params": {**dials, **jsonin.obj(plan.get("params", {}), "params")}}


def key_of(name: str) -> str:
    return f"sk-conformance-of-{name}"


def _attempt(entry: Entry) -> Attempt:
    return Attempt(
        at_s=entry.started_monotonic_s,
        key=entry.key,
        model=entry.model,
        path=entry.path,
        headers=entry.headers,
        outcome=entry.outcome,
        chunks=entry.chunks,
        prompt=(entry.cached_tokens, entry.prompt_tokens) if entry.status == 200 else None,
    )
