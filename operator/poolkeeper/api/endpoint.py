"""One upstream endpoint of a pool: where it is, what it may be asked, how much it can take, what it costs."""

import re
from typing import Annotated, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from poolkeeper.api.base import LIST_SET, ConfigMapKeyRef, Model, SecretKeyRef, list_map
from poolkeeper.api.request_changes import HeaderRule, ParameterRule
from poolkeeper.api.time_window import DateText, TimeWindow
from poolkeeper.api.value_types import (
    RULES_OF,
    Currency,
    DnsLabel,
    Duration,
    Factor,
    Flag,
    Guarantee,
    HostName,
    Label,
    ModelName,
    Money,
    ObjectName,
    Port,
    PositiveCount,
    PositiveSpan,
    ShortName,
    Text,
    UrlPath,
)

Provider = Literal[
    "DeepSeek",
    "OpenRouter",
    "Poe",
    "Perplexity",
    "SiliconFlow",
    "Together",
    "Fireworks",
    "VLLM",
    "SGLang",
    "Ollama",
    "LlamaCpp",
    "LMStudio",
    "Poolkeeper",
    "OpenAI",
    "Gateway",
]
Mode = Literal["Active", "Draining", "Disabled"]
Capability = Literal["PrefixCompletion", "LargeContext"]
Feature = Literal["Tools", "Vision", "Audio", "JsonSchema"]
Scheme = Literal["http", "https"]

HOST_IN_URL = r"//(\[[^/?#]*\]|[^/:?#]*)"
"""Where the host is, brackets and slashes included; the CEL of api/validation_rules.py looks with the same eyes."""
_PORT_AND_PATH = re.compile(HOST_IN_URL + r"(:(?P<port>[0-9]{1,5}))?(?P<path>/.*)?$")


class Url(Text):
    """An absolute http(s) URL of an endpoint, without a trailing slash; .scheme, .host, .port and .path are its
    parts.

    What it must not be (userinfo, loopback, …) is a table in api/validation_rules.py; the parts mean something only
    when that holds.
    """

    PATTERN = r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$"
    WANTED = (
        "an absolute URL such as https://api.deepseek.com/v1, at most 512 characters, hosts of other scripts as xn--"
    )
    MAX_LENGTH = 512

    @property
    def scheme(self) -> Scheme:
        return "https" if self.startswith("https:") else "http"

    @property
    def host(self) -> str:
        """In lower case, an IPv6 address without brackets; "" where there is none."""
        found = re.search(HOST_IN_URL, self.lower())
        return re.sub(r"[\[\]]", "", found[1]) if found else ""

    @property
    def port(self) -> int:
        found = _PORT_AND_PATH.search(self)
        return int(found["port"]) if found and found["port"] else {"http": 80, "https": 443}[self.scheme]

    @property
    def path(self) -> str:
        found = _PORT_AND_PATH.search(self)
        return ((found["path"] or "") if found else "").rstrip("/")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return super().__get_pydantic_json_schema__(schema, handler) | {RULES_OF: cls.__name__}


class ProxyUrl(Url):
    """The URL of an HTTP proxy: only host and port."""

    WANTED = "the URL of an HTTP proxy such as http://egress-singapore:3128, at most 512 characters"


class ServiceRef(Model):
    """A Service of the pool's own namespace."""

    name: DnsLabel
    """Name of the Service. There is no namespace field: a pool reaches only Services of its own namespace."""
    port: Port
    """The Service's port (not the container's), such as 8000."""
    scheme: Scheme = "http"
    """Protocol. Inside the cluster plain http is usual; https verifies the certificate (see tls)."""
    path: UrlPath = UrlPath("/v1")
    """Prefix before /chat/completions. Every common inference server uses /v1."""


class ModelMapping(Model):
    """One model that an endpoint serves."""

    name: ModelName
    """The name that clients request: one of spec.models, or "*" for all models without their own entry."""
    upstream_name: ModelName | None = None
    """The endpoint's own name for it. Default: the same name. Together with "*": the router requests every model under
    this one name, for a small local server with one model."""
    aliases: tuple[ModelName, ...] = Field((), max_length=16, json_schema_extra=LIST_SET)
    """Names that answers for this model may have and still be from it, such as an internal one. A dated name, or a
    provider's prefix before the name, needs no entry."""
    valid_until: DateText | None = None
    """Last day (UTC) on which the endpoint knows its name for the model, as the provider announced it, such as
    "2026-07-24". A reminder: 30 days before, and when it has ended, the condition Accepted and an Event name it.
    Requests are sent as before. Default: no end is known."""
    parameters: tuple[ParameterRule, ...] = Field((), max_length=8, json_schema_extra=list_map("path"))
    """Parameters that are set, limited or left out in requests for this model, such as {path: thinking.type, set:
    disabled}. Such an entry replaces the endpoint's own for the same path."""


class EndpointTls(Model):
    """How an https endpoint proves who it is. Left out: a certificate for the URL's host, signed by a public
    authority."""

    ca_ref: ConfigMapKeyRef | None = None
    """ConfigMap with PEM certificates to trust instead of the public authorities, for a private CA."""
    server_name: HostName | None = None
    """Name to send (SNI) and to expect in the certificate. Default: the URL's host."""


class WeightWindow(TimeWindow):
    """A time of the week in which the endpoint gets more or less than its weight."""

    weight_percent: Factor
    """Multiplies the weight inside the window: 200 doubles it, 50 halves it, 0 sends nothing. Windows that
    overlap multiply."""


class PriceWindow(TimeWindow):
    """A time of the week with another price."""

    multiplier_percent: Factor
    """Multiplies all three prices inside the window: 200 for a peak that costs double, 50 for a night discount."""


class Pricing(Model):
    """What the provider charges, for cost metrics and the probe's budget. The router never refuses a request over
    its cost."""

    currency: Currency
    """Three capital letters, such as USD or CNY. Costs of different currencies are never added up."""
    input_per_million: Money
    """Price of a million prompt tokens that were not cached, as a quoted decimal, such as "0.15"."""
    cached_input_per_million: Money | None = None
    """Price of a million prompt tokens from the provider's prefix cache. Default: as inputPerMillion."""
    output_per_million: Money
    """Price of a million generated tokens, reasoning included, such as "0.60"."""
    windows: tuple[PriceWindow, ...] = Field((), max_length=16)
    """Peak and off-peak times. DeepSeek's peak: Mon to Fri, 01:00 to 04:00 and 06:00 to 10:00 UTC, at 200, except on
    Chinese public holidays (exceptCalendars)."""


class DeploymentRef(Model):
    """A Deployment of the pool's own namespace."""

    name: ObjectName
    """Name of the Deployment. There is no namespace field: a pool scales only Deployments of its own namespace."""


class Standby(Model):
    """A Deployment that is scaled to zero until it is needed."""

    deployment_ref: DeploymentRef
    """Deployment of the model server behind this endpoint. The operator needs permission for it (value
    standby.deployments of the chart), and so does who writes this field: the verb patch on deployments/scale.
    Leave spec.replicas out of its manifest in Git. One that a HorizontalPodAutoscaler or a KEDA ScaledObject scales is
    left alone."""
    replicas: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """So many replicas it gets when it is woken."""
    wake_after: Duration = Duration("10s")
    """So long no tier above must serve before it is woken. 0s: at once."""
    cool_down: Duration = Duration("10m")
    """So long a tier above must serve again before it is scaled back to zero. First it gets no new requests, and those
    in flight end. Only what Poolkeeper woke is scaled back: not after somebody else has set the replicas."""


class Endpoint(Model):
    """One place that serves the pool's models: a provider's API by url, or your own server by serviceRef."""

    name: ShortName
    """Name of the endpoint in status, metrics, response headers and logs; unique in the pool. A DNS label of at most 30
    characters, such as official or vllm-a100."""
    provider: Provider = "OpenAI"
    """Who runs the endpoint. It decides the error format, the form of keep-alives, the free health check, and whether
    there is a Messages API, a Responses API and FIM. OpenAI is anything compatible that is not in the list;
    Gateway is another gateway, such as LiteLLM. With the wrong value the pool still works, but distinguishes "busy"
    from "failed" less well."""
    url: Url | None = None
    """Base URL, the part before /chat/completions, such as https://api.deepseek.com/v1. Exactly one of url and
    serviceRef. http or https with a host; no user:password@ (use credentialsRef), no query, no fragment.
    Loopback, link-local and metadata addresses are refused, here and again when the router connects. Redirects
    are never followed."""
    service_ref: ServiceRef | None = None
    """A Service of the same namespace in place of a url, for models you run yourself."""
    tier: Annotated[int, Field(strict=True, ge=0, le=9)] = 0
    """Order of use: tier 0 first; the next tier takes traffic only when no endpoint above can take a request (see
    FailoverPolicy spec.tiers). Endpoints of one tier share the load by weight. Example: 0 the official API, 1 an
    aggregator, 2 your own server."""
    weight: Annotated[int, Field(strict=True, ge=0, le=1_000)] = 100
    """Share of its tier's traffic in relation to the others of the tier: 200 gets twice as much as 100 while both are
    healthy, equally fast for their kind, and equally busy. 0 drains: no new requests, running ones finish."""
    mode: Mode = "Active"
    """Active takes traffic. Draining takes no new requests and lets running ones finish; health checks continue.
    Disabled means: no traffic, no checks, not counted in status."""
    max_connections: PositiveCount = 50
    """Connection limit: the most requests in flight at this endpoint, over all router replicas together; each router
    has its share. Never exceeded, even when another endpoint is down. Set it to what the provider's account or your own
    server can really take. Further requests go to another endpoint, wait in the queue, or get 503."""
    base_latency: PositiveSpan = Duration("800ms")
    """Normal time to the first token of a healthy endpoint: its baseline. An endpoint that is slower than its own
    baseline gets less traffic, a faster one more. So a big model that is always slow has no disadvantage."""
    models: tuple[ModelMapping, ...] = Field((), max_length=65, json_schema_extra=list_map("name"))
    """The pool's models that this endpoint serves, with its own names for them. Default: all models, under the same
    names. Example: {name: deepseek-v4-pro, upstreamName: deepseek/deepseek-v4-pro} for an aggregator."""
    parameters: tuple[ParameterRule, ...] = Field((), max_length=16, json_schema_extra=list_map("path"))
    """Parameters that are set, limited or left out in every request to this endpoint. Example: {path: max_tokens,
    default: 4096, maximum: 8192}."""
    headers: tuple[HeaderRule, ...] = Field((), max_length=16, json_schema_extra=list_map("name"))
    """Headers that are set or left out in every request to this endpoint. Example: {name: X-Title, set: my-company}."""
    credentials_ref: SecretKeyRef | None = None
    """Secret with the API key, sent as "Authorization: Bearer …" to this endpoint and to no other. Needs https, a
    serviceRef, or insecure: true. The router uses a changed Secret within about a second, without a restart."""
    credentials_refs: tuple[SecretKeyRef, ...] = Field((), max_length=8, json_schema_extra=list_map("name", "key"))
    """More API keys for the same endpoint, of other accounts or projects, beside credentialsRef or in place of it. Each
    request is sent with one of them. A key that is refused, out of balance or rate-limited is left out until its time,
    and the others serve; only when all are out does the endpoint get no requests. A conversation keeps its key, because
    a provider's prefix cache is for one account. All else is shared: the breaker, maxConnections, the latency. Example:
    [{name: deepseek-team-a, key: api-key}, {name: deepseek-team-b, key: api-key}]."""
    insecure: Flag = False
    """true allows the API key over plain http. Everybody on the network path can read and use it: only for a network
    that you trust as much as the Secret itself."""
    tls: EndpointTls | None = None
    """How the router verifies an https endpoint. Default: the public certificate authorities and the URL's host name.
    Verification cannot be switched off."""
    egress_proxy: ProxyUrl | None = None
    """HTTP proxy to this endpoint, to choose the network path or the region of the traffic: CONNECT for https (the
    certificate is checked inside the tunnel), forwarding for http. The proxy resolves the endpoint's name. When the
    proxy itself fails, the endpoint's reason is ProxyFailed, and its breaker counts it. Example:
    http://egress-singapore:3128. No path, no user:password@."""
    region: Label = Label("")
    """Where the endpoint is, as free text, such as singapore. It is shown in status, in a router's /state and in the
    metric poolkeeper_endpoint_info. Requests keep to a region where access.clients[].allow or dataPolicy says so."""
    schedule: tuple[WeightWindow, ...] = Field((), max_length=16)
    """Weight by time of the week and by date, to use off-peak prices, or to send less to a machine with other work by
    day. Outside of all windows the weight applies unchanged."""
    standby: Standby | None = None
    """Cold standby: the endpoint's Deployment has no replicas, and is woken when no tier above serves. Until it is
    ready, requests wait for it as long as the policy's retry.tierWait allows, or go on to the next tier. While it has
    no replicas, it counts as asleep, not as failed. Without effect under `poolkeeper run`. Example: {deploymentRef:
    {name: vllm}, coolDown: 10m}."""
    pricing: Pricing | None = None
    """Prices: attempts add to the metric poolkeeper_cost_total, by the provider's token count, or an estimate where it
    gives none, and the price when they ended. Default: the cost is not counted."""
    capabilities: tuple[Capability, ...] = Field((), max_length=2, json_schema_extra=LIST_SET)
    """Additional abilities. PrefixCompletion: it can continue an answer of another endpoint (DeepSeek's beta prefix
    completion, vLLM's continue_final_message), so the router continues a cut stream here. LargeContext: it gets
    requests that another endpoint refused as too long."""
    lacks: tuple[Feature, ...] = Field((), max_length=4, json_schema_extra=LIST_SET)
    """What it does not take: requests with tools, with images (Vision), with audio, with a JSON schema or JSON mode.
    They go to the other endpoints; where none is left, the caller gets 400 unsupported_feature. What is not in the list
    is tried, and an endpoint that refuses it gets the next such request last."""
    guarantees: tuple[Guarantee, ...] = Field((), max_length=16, json_schema_extra=LIST_SET)
    """What its provider promises about the data that it gets, such as NoTraining (it trains no model with it) and
    NoRetention (it keeps nothing of it). Poolkeeper believes what you write; the words are your own. Under a
    spec.dataPolicy that requires a word that is not in the list, the endpoint gets nothing."""

    @property
    def keys(self) -> tuple[SecretKeyRef, ...]:
        """Where all its API keys come from."""
        return (*((self.credentials_ref,) if self.credentials_ref else ()), *self.credentials_refs)
