"""A request to steps: the key, the route, the model, the in-flight limit, and only then the scenario."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

from testing.fakes.deepseek import ask as asks
from testing.fakes.deepseek import bodies, faults, jsonin, programs
from testing.fakes.deepseek import plan as plans
from testing.fakes.deepseek.admission import Admission
from testing.fakes.deepseek.answer import Answer
from testing.fakes.deepseek.ask import GENERATING, Ask, AskError, Surface
from testing.fakes.deepseek.http1 import Request
from testing.fakes.deepseek.log import Entry, Log, Outcome
from testing.fakes.deepseek.params import Params
from testing.fakes.deepseek.promptcache import PromptCache
from testing.fakes.deepseek.reply import Origin
from testing.fakes.deepseek.scenarios import play
from testing.fakes.deepseek.steps import Send, Steps

OVERLOADS = ("rate_limit", "busy503", "queue")
SCENARIO_HEADER = "x-fake-scenario"
SMALL_BODY_BYTES = 4096
_parse_again = lru_cache(maxsize=1024)(asks.parse)


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
    by_key: dict[str, plans.Leg] = field(default_factory=dict)
    """What requests with these keys meet, whatever the plan says: a provider's accounts have limits of their own."""
    _untroubled: plans.Leg = field(init=False)
    """What the surfaces meet that the plan leaves alone."""
    _plan_started_s: float = field(init=False, default=0.0)
    _number: int = field(init=False, default=0)
    _prompts: PromptCache = field(init=False, default_factory=PromptCache)

    def __post_init__(self) -> None:
        self._untroubled = plans.leg("ok", {"first_token_ms": 0.0}, self.base)
        self._start()

    def _start(self) -> None:
        self.set_settings(self.first_settings)
        self.set_plan(self.first_plan or plans.single("ok", self.base))

    def reset(self) -> None:
        """Back to how it was started; requests in flight go on."""
        self.log.reset()
        self._prompts.clear()
        self.by_key.clear()
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
        surface = entry.surface
        if surface is None:
            return self._refuse(entry, "not_found", 404, b"")
        if surface is not Surface.HEALTH and self.settings.keys and entry.key not in self.settings.keys:
            return self._refuse(entry, "auth", 401, bodies.auth(entry.key))
        try:
            leg = self._leg(surface, request, entry.key)
            if surface not in GENERATING:
                return self._read(surface, leg, request, entry)
            parse = _parse_again if len(request.body) <= SMALL_BODY_BYTES else asks.parse
            asked = parse(surface, request.path, request.body)
        except jsonin.ShapeError as error:
            return self._refuse(entry, "bad_scenario_header", 400, bodies.invalid_request(str(error)))
        except AskError as error:
            return self._refuse(entry, "bad_request", error.status, error.body)
        entry.model, entry.stream, entry.prompt_tokens = asked.model, asked.stream, asked.prompt_tokens
        if asked.model not in self.settings.models and not self.settings.any_model:
            return self._refuse(entry, "model_missing", 400, bodies.model_missing())
        return self._generate(asked, leg, request, entry)

    def _leg(self, surface: Surface, request: Request, key: str | None) -> plans.Leg:
        wish = request.headers.get(SCENARIO_HEADER) if self.allow_header else None
        if wish is not None:
            return wished(wish, self.base)
        if key in self.by_key:
            return self.by_key[key]
        if surface not in self.plan.surfaces:
            return self._untroubled
        leg = self.current()
        self._number += 1
        return leg

    def _read(self, surface: Surface, leg: plans.Leg, request: Request, entry: Entry) -> Steps:
        """The surfaces that generate nothing; an empty account can still be asked for its balance."""
        scenario = leg.scenario
        if surface in (Surface.BALANCE, Surface.KEY) and scenario == "insufficient_balance":
            scenario = "ok"
        has_money = (self.by_key.get(entry.key or "") or self.current()).scenario != "insufficient_balance"
        body = {
            Surface.MODELS: bodies.models(self.settings.models),
            Surface.PROPS: b'{"total_slots":1}',
            Surface.BALANCE: bodies.user_balance(has_money),
            Surface.KEY: bodies.openrouter_key(74.5 if has_money else 0),
            Surface.TAGS: bodies.ollama_tags(self.settings.models),
        }.get(surface, b"")
        entry.scenario = scenario
        return play(scenario, self._answer(Ask(surface, ""), leg.params, request, entry, body))

    def _generate(self, asked: Ask, leg: plans.Leg, request: Request, entry: Entry) -> Steps:
        answer = self._answer(asked, leg.params, request, entry)
        if not self.admission.try_enter(entry.seq):
            return self._overloaded(answer, entry)
        if asked.prefill is not None and leg.params.prefill == "refuse":
            return self._refuse(entry, "prefill_refused", 400, bodies.invalid_request(bodies.PREFILL_MESSAGE))
        entry.scenario = leg.scenario
        return play(leg.scenario, answer)

    def _overloaded(self, answer: Answer, entry: Entry) -> Steps:
        entry.scenario = self.settings.overload
        if self.settings.overload == "queue":
            return faults.queue_then_ok(answer)
        limit = self.settings.max_inflight or 0
        params = replace(answer.params, concurrency=self.admission.taken + 1, concurrency_limit=limit)
        return play(self.settings.overload, replace(answer, params=params))

    def _refuse(self, entry: Entry, scenario: str, status: int, body: bytes) -> Steps:
        """A short answer that no scenario had a say in."""
        entry.scenario = scenario
        said = programs.worded(entry.surface, status, body)
        return iter((Send(programs.plain(self._origin(entry, 0), self.base, status, said), status=status),))

    def _answer(
        self, asked: Ask, params: Params, request: Request, entry: Entry, fixed_body: bytes | None = None
    ) -> Answer:
        origin = self._origin(entry, self._prompts.hit_tokens(entry.key, asked.model, asked.prompt_units))
        answer = Answer(asked, params, origin, http10=request.version == "HTTP/1.0", fixed_body=fixed_body)
        entry.cached_tokens = origin.cached_tokens
        entry.spoken = 0 if fixed_body is not None else answer.writer.reply.spoken
        return answer

    def _origin(self, entry: Entry, cached_tokens: int) -> Origin:
        return Origin(
            name=self.name,
            request=entry.seq,
            created_s=int(entry.started_wall_s),
            key=entry.key,
            text_seed=self.text_seed,
            text_model=self.text_model,
            cached_tokens=cached_tokens,
        )


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
