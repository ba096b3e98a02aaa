"""A request to steps: the key, the route, the model, the in-flight limit, and only then the scenario."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

from fakes.deepseek import ask as asks
from fakes.deepseek import bodies, jsonin
from fakes.deepseek import plan as plans
from fakes.deepseek.admission import Admission
from fakes.deepseek.answer import Answer, Origin
from fakes.deepseek.ask import GENERATING, Ask, AskError, Surface
from fakes.deepseek.http1 import Request
from fakes.deepseek.log import Entry, Log, Outcome
from fakes.deepseek.params import Params
from fakes.deepseek.scenarios import SCENARIOS, plain, queue_then_ok
from fakes.deepseek.steps import Send, Steps

OVERLOADS = ("rate_limit", "busy503", "queue")
PROMPT_CACHE_SIZE = 10_000
SCENARIO_HEADER = "x-fake-scenario"
_parse = lru_cache(maxsize=1024)(asks.parse)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the provider checks by itself; changeable while it runs."""

    keys: tuple[str, ...] = ()
    """Accepted keys; none = every key, and no key, is good."""
    models: tuple[str, ...] = ("deepseek-flash", "deepseek-v4-pro", "deepseek-chat", "deepseek-reasoner")
    any_model: bool = False
    """Serve models that are not listed, too."""
    max_inflight: int | None = None
    overload: str = "rate_limit"
    """What a request over max_inflight meets: rate_limit, busy503 or queue."""


@dataclass(slots=True)
class Provider:
    name: str = "fake"
    base: Params = field(default_factory=Params)
    first_settings: Settings = field(default_factory=Settings)
    first_plan: plans.Plan | None = None
    text_seed: str = ""
    text_model: str = ""
    allow_header: bool = False
    keep_bodies: bool = False
    log: Log = field(default_factory=Log)
    on_plan: Callable[[], None] = field(default=lambda: None)
    """Called after every change of plan: a listener may have to go away or come back."""
    settings: Settings = field(init=False)
    plan: plans.Plan = field(init=False)
    admission: Admission = field(init=False, default_factory=Admission)
    _plan_started_s: float = field(init=False, default=0.0)
    _number: int = field(init=False, default=0)
    _prompts: OrderedDict[tuple[str | None, str, str], None] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.set_settings(self.first_settings)
        self.set_plan(self.first_plan or plans.single("ok", self.base))

    def reset(self) -> None:
        """Back to how it was started; requests in flight go on."""
        self.log.reset()
        self._prompts.clear()
        self._start()

    def set_plan(self, new: plans.Plan) -> None:
        self.plan = new
        self._plan_started_s = self.log.clock.monotonic_s()
        self._number = 0
        self.on_plan()

    def set_settings(self, new: Settings) -> None:
        self.settings = new
        self.admission.set_limit(new.max_inflight)

    def plan_age_ms(self) -> float:
        return (self.log.clock.monotonic_s() - self._plan_started_s) * 1000

    def current(self) -> plans.Leg:
        """The leg that the next request would meet."""
        return self.plan.choose(self._number, self.plan_age_ms())

    def end(self, entry: Entry, outcome: Outcome) -> None:
        self.log.end(entry, outcome)
        self.admission.leave(entry.seq)

    def respond(self, request: Request, entry: Entry) -> Steps:
        """Decides once, right now; the steps are played later."""
        entry.body_sha256 = sha256(request.body).hexdigest()
        if self.keep_bodies:
            entry.body = request.body.decode("utf-8", "replace")
        surface = asks.ROUTES.get((request.method, request.path))
        if surface is None:
            return self._refuse(entry, "not_found", 404, b"")
        entry.surface = surface
        if surface is Surface.HEALTH and surface not in self.plan.surfaces:
            return self._refuse(entry, "ok", 200, b"")
        if surface is not Surface.HEALTH and self.settings.keys and entry.key not in self.settings.keys:
            return self._refuse(entry, "auth", 401, bodies.auth(entry.key))
        if surface not in GENERATING:
            return self._read_only(surface, request, entry)
        try:
            asked = _parse(surface, request.path, request.body)
        except AskError as error:
            return self._refuse(entry, "bad_request", error.status, error.body)
        entry.model, entry.stream = asked.model, asked.stream
        if asked.model not in self.settings.models and not self.settings.any_model:
            return self._refuse(entry, "model_missing", 400, bodies.model_missing())
        return self._generate(asked, request, entry)

    def _generate(self, asked: Ask, request: Request, entry: Entry) -> Steps:
        if not self.admission.try_enter(entry.seq):
            return self._overloaded(asked, request, entry)
        try:
            leg = self._leg(asked.surface, request)
        except jsonin.ShapeError as error:
            return self._refuse(entry, "bad_scenario_header", 400, bodies.invalid_request(str(error)))
        if asked.prefill is not None and leg.params.prefill == "refuse":
            return self._refuse(entry, "prefill_refused", 400, bodies.invalid_request(bodies.PREFILL_MESSAGE))
        entry.scenario = leg.scenario
        return SCENARIOS[leg.scenario].program(self._answer(asked, leg.params, request, entry))

    def _overloaded(self, asked: Ask, request: Request, entry: Entry) -> Steps:
        if self.settings.overload == "queue":
            entry.scenario = "queue"
            return queue_then_ok(self._answer(asked, self.current().params, request, entry))
        entry.scenario = self.settings.overload
        limit = self.settings.max_inflight or 0
        params = replace(self.current().params, concurrency=self.log.in_flight, concurrency_limit=limit)
        return SCENARIOS[self.settings.overload].program(self._answer(asked, params, request, entry))

    def _leg(self, surface: Surface, request: Request) -> plans.Leg:
        wish = request.headers.get(SCENARIO_HEADER) if self.allow_header else None
        if wish is not None:
            return wished(wish, self.base)
        if surface not in self.plan.surfaces:
            return plans.single("ok", self.base).legs[0]
        leg = self.current()
        self._number += 1
        return leg

    def _read_only(self, surface: Surface, request: Request, entry: Entry) -> Steps:
        """GETs meet the scenario only where the plan says so; the balance tells of an insufficient_balance anyway."""
        leg = self.current()
        if surface in self.plan.surfaces and leg.scenario not in ("ok", "insufficient_balance"):
            entry.scenario = leg.scenario
            self._number += 1
            return SCENARIOS[leg.scenario].program(self._answer(Ask(surface, ""), leg.params, request, entry))
        if surface is Surface.MODELS:
            return self._refuse(entry, "ok", 200, bodies.models(self.settings.models))
        if surface is Surface.HEALTH:
            return self._refuse(entry, "ok", 200, b"")
        return self._refuse(entry, "ok", 200, bodies.user_balance(leg.scenario != "insufficient_balance"))

    def _refuse(self, entry: Entry, scenario: str, status: int, body: bytes) -> Steps:
        """A short answer that no scenario had a say in."""
        entry.scenario = scenario
        answer = Answer(Ask(Surface.HEALTH, ""), self.base, self._origin(entry, 0), chunked=False)
        return iter((Send(plain(answer, status, body)),))

    def _answer(self, asked: Ask, params: Params, request: Request, entry: Entry) -> Answer:
        origin = self._origin(entry, self._cached_tokens(asked, entry.key))
        return Answer(asked, params, origin, chunked=request.version != "HTTP/1.0")

    def _origin(self, entry: Entry, cached_tokens: int) -> Origin:
        return Origin(
            name=self.name,
            request=entry.seq,
            created_s=int(entry.started_wall_s),
            text_seed=self.text_seed,
            text_model=self.text_model,
            cached_tokens=cached_tokens,
        )

    def _cached_tokens(self, asked: Ask, key: str | None) -> int:
        """The prefix cache: how much of this prompt the account has sent to this model before."""
        hit = 0
        for digest, tokens in asked.prompt_units:
            unit = (key, asked.model, digest)
            if unit in self._prompts:
                hit = tokens
                self._prompts.move_to_end(unit)
            self._prompts[unit] = None
        while len(self._prompts) > PROMPT_CACHE_SIZE:
            self._prompts.popitem(last=False)
        return hit


def wished(text: str, base: Params) -> plans.Leg:
    """A leg from a header: `cut; after_chunks=2; terminated=true`."""
    name, *pairs = (part.strip() for part in text.split(";"))
    params: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise jsonin.ShapeError(f"{SCENARIO_HEADER}: {pair!r}, wanted name=value")
        params[key.strip()] = jsonin.scalar(value.strip())
    return plans.leg(name, params, base)
