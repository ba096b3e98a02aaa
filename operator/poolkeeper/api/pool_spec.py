"""What users declare about a pool: its models and endpoints, who may call, how it is probed, how its routers run."""

from typing import Annotated, Literal

from pydantic import Field

from poolkeeper.api.base import LIST_SET, ConfigMapKeyRef, Model, SecretKeyRef, list_map
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.router_spec import Peer, Resources, Router
from poolkeeper.api.time_window import Calendar
from poolkeeper.api.value_types import (
    Count,
    Duration,
    Flag,
    Guarantee,
    HeaderName,
    LongSpan,
    ModelName,
    Money,
    ObjectName,
    PositiveCount,
    PositiveSpan,
    RegionName,
    ShortName,
    Text,
)


class PolicyRef(Model):
    """A FailoverPolicy of the pool's own namespace."""

    name: ObjectName
    """Name of the FailoverPolicy. There is no namespace field."""


class Allow(Model):
    """What a client may use. It holds in every way that a request can take: retry, hedge, continued stream,
    fallback model, cached answer."""

    models: tuple[ModelName, ...] = Field((), max_length=64, json_schema_extra=LIST_SET)
    """Models that the client may request: names of spec.models. Others get 403 model_not_allowed, and GET /v1/models
    leaves them out. Default: all."""
    endpoints: tuple[ShortName, ...] = Field((), max_length=32, json_schema_extra=LIST_SET)
    """Endpoints that may get its requests, by name. Default: all. Where none that serves the model is left, the caller
    gets 403 endpoint_not_allowed."""
    regions: tuple[RegionName, ...] = Field((), max_length=32, json_schema_extra=LIST_SET)
    """Regions whose endpoints may get its requests, as the endpoints name them. An endpoint without a region is in none
    of them. With endpoints: both must hold. Default: all."""


class AccessClient(Model):
    """One caller with its own API key."""

    name: ShortName
    """Name of the client in metrics and logs; unique in the pool. A DNS label of at most 30 characters."""
    key_ref: SecretKeyRef
    """Secret with the API key that this client sends as "Authorization: Bearer …". The router checks it and never
    forwards it."""
    priority: Count = 0
    """Order in the queue when every endpoint is full: 0 first, then 1, and so on. A request may lower its priority with
    the header x-poolkeeper-priority, never raise it."""
    max_connections: PositiveCount = 100
    """Connection limit of this client: the most requests in flight or waiting, over all router replicas together.
    Further requests get 429 client_limit at once."""
    allow: Allow = Allow()
    """What the client may use. Default: every model and endpoint of the pool."""
    debug: Flag = False
    """true lets the client ask why an endpoint was chosen: with the header "x-poolkeeper-debug: 1" its answers name
    every endpoint of the pool, its load and why it was excluded. Without a client key nobody may."""


class Origin(Text):
    """Where a web page comes from, as browsers say it."""

    PATTERN = r"^([*]|[a-z][a-z0-9+.-]{0,30}://[a-z0-9.:\[\]-]{1,253})$"
    WANTED = "an origin such as https://app.example.com or http://localhost:3000, in lower case without a path, or *"
    MAX_LENGTH = 288


class Cors(Model):
    """Web pages of other sites that may call the router from a browser (CORS). Cookies are never allowed: a page shows
    its API key in a header, where everybody who opens the page can read it. Give such pages a client of their own."""

    allowed_origins: tuple[Origin, ...] = Field(min_length=1, max_length=64, json_schema_extra=LIST_SET)
    """Origins of the pages: scheme, host and port, as browsers send them. "*" allows every page."""
    allowed_headers: tuple[HeaderName, ...] = Field((), max_length=64, json_schema_extra=LIST_SET)
    """Headers that a page may send besides those that the router reads or forwards (docs/surfaces.md)."""
    max_age: LongSpan = Duration("10m")
    """How long a browser may remember that a page may call."""


class Access(Model):
    """Who may call the router."""

    mode: Literal["Open", "Keys"] = "Open"
    """Open: everybody who reaches the Service may call; restrict that with allowedFrom. Keys: only the clients
    below, with their API key; all others get 401."""
    clients: tuple[AccessClient, ...] = Field((), max_length=64, json_schema_extra=list_map("name"))
    """Callers and their API keys. Under mode Keys at least one."""
    allowed_from: tuple[Peer, ...] = Field((), max_length=16)
    """Who may connect to the routers at all. It becomes the routers' NetworkPolicy, which the cluster's network must
    enforce. Use it in place of a NetworkPolicy of your own: several policies for one Pod allow what any of them allows.
    Default: everybody who reaches the Service."""
    cors: Cors | None = None
    """Web pages of other sites that may call. Default: none; a browser then keeps the router's answers from them."""


class DataPolicy(Model):
    """Which endpoints may get data at all. One that does not meet it gets no request in any way (retry, hedge,
    continued stream, fallback model), no probe and no health check. A pool whose policy no endpoint meets answers 403
    forbidden_by_data_policy."""

    require: tuple[Guarantee, ...] = Field((), max_length=16, json_schema_extra=LIST_SET)
    """Guarantees that an endpoint must have, all of them, in the same words. Example: [NoTraining, NoRetention]. An
    endpoint that says nothing guarantees nothing."""
    regions: tuple[RegionName, ...] = Field((), max_length=32, json_schema_extra=LIST_SET)
    """Regions of which an endpoint must be in one, as the endpoints name them. An endpoint without a region is in none
    of them. Default: any."""


_CRON_ITEM = r"(\*|\?|{v}(-{v})?)(/[1-9][0-9]?)?"


def _cron_field(value: str) -> str:
    item = _CRON_ITEM.replace("{v}", value)
    return f"{item}(,{item})*"


class CronSchedule(Text):
    """Five fields or a macro, as a CronJob takes them."""

    PATTERN = (
        "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|"
        + " +".join(
            _cron_field(value)
            for value in (
                "[0-5]?[0-9]",
                "([01]?[0-9]|2[0-3])",
                "(0?[1-9]|[12][0-9]|3[01])",
                "(0?[1-9]|1[0-2]|[A-Za-z]{3})",
                "([0-6]|[A-Za-z]{3})",
            )
        )
        + ")$"
    )
    WANTED = 'a cron schedule of five fields, such as "*/15 * * * *", or @hourly'
    MAX_LENGTH = 100


class Probe(Model):
    """Synthetic probes: a CronJob that sends a few real, tagged requests to every endpoint and measures what users
    would see."""

    schedule: CronSchedule = CronSchedule("*/15 * * * *")
    """When to probe, in cron's five fields, UTC. The default is about a hundred runs a day: enough to see a grey
    failure within a quarter of an hour. Fast failover does not depend on it: the router's breakers see real traffic."""
    samples_ref: ConfigMapKeyRef | None = None
    """ConfigMap with request bodies, one JSON object per line, so that the probe requests what your users request.
    Default: a short built-in question."""
    requests_per_run: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """Probe requests to each endpoint in each run. One slow answer proves nothing: after one, the run sends another
    request, up to three in all."""
    max_tokens: PositiveCount = 64
    """Longest answer that a probe requests, in tokens. A reasoning model thinks before it answers and needs enough
    tokens: with 1 it never reaches content and looks dead."""
    first_token: PositiveSpan = Duration("5s")
    """A first token slower than this is a grey failure: the endpoint answers, but too slowly for users."""
    min_tokens_per_second: Count = 5
    """A stream slower than this many tokens per second is a grey failure. 0: no limit."""
    daily_budget: Money = Money("0.50")
    """The most that probing may cost per day (UTC), in each pricing currency; then it stops until the next day.
    Endpoints without pricing count as free."""
    suspend: Flag = False
    """true stops probing until it is false again."""
    resources: Resources = Resources()
    """CPU and memory of each probe's Pod; a quota may want limits. Default: as the installation sets it."""


class EndpointPoolSpec(Model):
    """What the pool should be."""

    models: tuple[ModelName, ...] = Field(min_length=1, max_length=64)
    """Model names that clients may request; GET /v1/models lists them. The first is the default, for a request that
    names none. Any printable name of at most 128 characters, such as deepseek-v4-pro."""
    endpoints: tuple[Endpoint, ...] = Field(min_length=1, max_length=32, json_schema_extra=list_map("name"))
    """The endpoints that serve the models: 1 to 32, at least one of them not Disabled. Traffic goes to the lowest tier
    that can take it, shared by weight among the tier's endpoints. When one fails to answer, the router uses another,
    and the client does not notice. The smallest useful pool names two: {name: official, provider: DeepSeek, url:
    "https://api.deepseek.com/v1", credentialsRef: {name: deepseek, key: api-key}} and {name: local, provider: VLLM,
    serviceRef: {name: vllm, port: 8000}, tier: 1, maxConnections: 8}."""
    failover_policy_ref: PolicyRef | None = None
    """The FailoverPolicy that says when an endpoint counts as failed and what happens then. Default: the defaults of
    that kind."""
    min_available: PositiveCount = 1
    """Endpoints that must be usable for the condition Available to be True; not more than there are endpoints."""
    access: Access = Access()
    """Who may call the router. Default: everybody who reaches its Service."""
    calendars: tuple[Calendar, ...] = Field((), max_length=8, json_schema_extra=list_map("name"))
    """Named dates, such as public holidays, for the schedule and pricing.windows of endpoints. Example: {name:
    cn-holidays, configMapRef: {name: holidays, key: cn}}."""
    data_policy: DataPolicy = DataPolicy()
    """Which endpoints may get data at all, by what their providers guarantee and where they are. Default: all."""
    probe: Probe | None = None
    """Synthetic probes: real requests on a schedule that measure what users would see. They cost tokens, so there are
    none unless this is set. Write one field at least, such as the schedule."""
    router: Router = Router()
    """The router Pods in front of the pool."""

    @property
    def standby_deployments(self) -> tuple[str, ...]:
        """Of the endpoints that are cold standbys."""
        return tuple(str(one.standby.deployment_ref.name) for one in self.endpoints if one.standby)
