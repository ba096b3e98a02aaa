"""LiteLLM's config.yaml -> a pool. Its model groups become models; a deployment becomes an endpoint; what a group falls
back to becomes a lower tier, under the name that the caller asked for.

The parts of the file: https://docs.litellm.ai/docs/proxy/configs
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poolkeeper.migration.imported import (
    Imported,
    Json,
    as_list,
    as_object,
    host_of,
    manifest,
    models_of,
    name_of,
    provider_of,
)
from poolkeeper.migration.litellm_names import (
    aliases_of,
    credentials_of,
    fallbacks_of,
    with_credential,
    with_default,
)

BASES = {
    "deepseek": "https://api.deepseek.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "openai": "https://api.openai.com/v1",
    "perplexity": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai/v1",
    "dashscope": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "groq": "https://api.groq.com/openai/v1",
    "hyperbolic": "https://api.hyperbolic.xyz/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "novita": "https://api.novita.ai/v3/openai",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "volcengine": "https://ark.cn-beijing.volces.com/api/v3",
    "xai": "https://api.x.ai/v1",
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
}
"""LiteLLM's prefix of a model -> the base URL that it stands for. With api_base any of OPENAI_LIKE may be used."""
OPENAI_LIKE = (*BASES, "hosted_vllm", "vllm", "custom_openai", "openai_like", "lm_studio", "litellm_proxy")
OWN_API = ("ollama", "ollama_chat")
"""LiteLLM speaks their own API; OpenAI's is beside it, at /v1."""
SERVERS = {
    "hosted_vllm": "VLLM",
    "vllm": "VLLM",
    "lm_studio": "LMStudio",
    "litellm_proxy": "Gateway",
    **dict.fromkeys(OWN_API, "Ollama"),
}
"""Prefix -> provider, where the host does not show it."""
CARRIED = {"model", "api_base", "api_key", "base_url", "weight", "max_parallel_requests", "order"}
GROUP = {"model_name", "litellm_params"}
SETTINGS = {
    "fallbacks",
    "default_fallbacks",
    "num_retries",
    "allowed_fails",
    "cooldown_time",
    "timeout",
    "request_timeout",
    "stream_timeout",
    "model_group_alias",
}
ENVIRONMENT = "os.environ/"
TIERS = 10


@dataclass
class _Endpoint:
    url: str
    secret: tuple[str, str] | None
    tier: int
    weight: int
    limit: int | None
    provider: str
    models: dict[str, str] = field(default_factory=dict)


def litellm(document: Json, pool: str = "imported") -> Imported:
    notes: list[str] = []
    settings = {**as_object(document.get("litellm_settings")), **as_object(document.get("router_settings"))}
    endpoints: dict[object, _Endpoint] = {}
    aliases = aliases_of(settings)
    credentials = credentials_of(document)
    groups = [as_object(one) for one in as_list(document.get("model_list"))]
    names = list(dict.fromkeys(str(group.get("model_name")) for group in groups if group.get("model_name")))
    fallbacks = fallbacks_of(settings, names, notes)
    below = {lower for lowers in fallbacks.values() for lower in lowers}
    models = [name for name in names if name not in below or name in fallbacks] or names
    fallbacks = with_default(fallbacks, settings, names, notes)
    models += [alias for alias, group in aliases.items() if group in names and alias not in names]
    for index, group in enumerate(groups):
        place = f"model_list[{index}]"
        asked = str(group.get("model_name", ""))
        if "*" in asked:
            notes.append(f"{place}: seen model_name {asked}; a pool names its models: left out, add those that you use")
            continue
        notes += [f"{place}.{name}: not carried over" for name in sorted(set(group) - GROUP)]
        params = with_credential(place, as_object(group.get("litellm_params")), credentials, notes)
        for caller, depth in _callers(asked, models, fallbacks, aliases):
            _deployment(place, params, caller, depth, endpoints, notes)
    notes += _not_carried(document, settings)
    if not endpoints:
        notes.append("model_list: seen no deployment of use; wanted one with an OpenAI-compatible API")
        return Imported((), tuple(notes))
    served = [name for name in models if any(name in one.models for one in endpoints.values())]
    taken: set[str] = set()
    given = [_manifest(one, served, taken) for one in endpoints.values()]
    spec = {"models": served, "endpoints": given, "failoverPolicyRef": {"name": pool}}
    policy = manifest("FailoverPolicy", pool, _policy(settings))
    return Imported((manifest("EndpointPool", pool, spec), policy), tuple(dict.fromkeys(notes)))


def _callers(
    group: str, models: list[str], fallbacks: Mapping[str, list[str]], aliases: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """Under which names callers reach a group, and how far down."""
    for name in models:
        own = aliases.get(name, name)
        if group == own:
            yield name, 0
        elif group in fallbacks.get(own, ()):
            yield name, fallbacks[own].index(group) + 1


def _deployment(
    place: str, params: Json, caller: str, depth: int, endpoints: dict[object, _Endpoint], notes: list[str]
) -> None:
    prefix, _, upstream = str(params.get("model", "")).partition("/")
    if not upstream:
        prefix, upstream = "openai", prefix
    url = str(params.get("api_base") or params.get("base_url") or BASES.get(prefix, ""))
    if not upstream:
        notes.append(f"{place}.litellm_params.model: seen nothing, wanted a model: left out")
        return
    if url.startswith(ENVIRONMENT):
        notes.append(f"{place}.litellm_params.api_base: seen {url}; write the address in its place: left out")
        return
    if prefix not in OPENAI_LIKE or not url.startswith(("http://", "https://")):
        notes.append(f"{place}: seen {params.get('model')}; its API is not OpenAI's, or api_base is missing: left out")
        return
    if prefix in OWN_API and not url.rstrip("/").endswith("/v1"):
        url = f"{url.rstrip('/')}/v1"
        notes.append(f"{place}: seen {prefix}; LiteLLM speaks its own API, a pool speaks OpenAI's, at {url}")
    notes += [
        f"{place}.litellm_params.{name}: not carried over; see parameters, timeouts and maxConnections of the pool"
        for name in sorted(set(params) - CARRIED)
    ]
    secret = _secret(place, params.get("api_key"), notes)
    order = params.get("order")
    tier = min(depth + (order - 1 if isinstance(order, int) and order > 0 else 0), TIERS - 1)
    weight, limit = params.get("weight"), params.get("max_parallel_requests")
    made = _Endpoint(
        url.rstrip("/"),
        secret,
        tier,
        max(1, min(1000, int(weight * 100))) if isinstance(weight, int | float) and math.isfinite(weight) else 100,
        max(1, min(10000, limit)) if isinstance(limit, int) else None,
        SERVERS.get(prefix) or provider_of(url),
    )
    key: tuple[object, ...] = (made.url, secret, tier, made.weight, made.limit)
    kept = endpoints.setdefault(key, made)
    while kept.models.get(caller, upstream) != upstream:  # the same place twice for one model, under two names
        key = (*key, upstream)
        kept = endpoints.setdefault(key, made)
    kept.models[caller] = upstream


def _secret(place: str, key: object, notes: list[str]) -> tuple[str, str] | None:
    if not key:
        return None
    text = str(key)
    if text.startswith(ENVIRONMENT):
        variable = text.removeprefix(ENVIRONMENT)
        name = name_of(variable, set())
        notes.append(f"{place}: put the value of {variable} into Secret {name}, key api-key")
        return name, "api-key"
    name = "imported-" + place.replace("model_list[", "").rstrip("]")
    where = f"{place}.litellm_params.api_key"
    notes.append(f"{where}: an API key in the file is not copied; put it into Secret {name}, key api-key")
    return name, "api-key"


def _manifest(one: _Endpoint, served: list[str], taken: set[str]) -> Json:
    provider = one.provider
    name = provider.lower() if provider != "OpenAI" else host_of(one.url).removeprefix("api.").split(".")[0]
    ordered = {model: one.models[model] for model in served if model in one.models}
    return {
        "name": name_of(name, taken),
        "provider": provider,
        "url": one.url,
        "tier": one.tier,
        "weight": one.weight,
        **({"maxConnections": one.limit} if one.limit else {}),
        **({"credentialsRef": {"name": one.secret[0], "key": one.secret[1]}} if one.secret else {}),
        **({"insecure": True} if one.secret and one.url.startswith("http://") else {}),
        **({"models": listed} if (listed := models_of(ordered, served)) else {}),
    }


def _policy(settings: Json) -> Json:
    retries, allowed, cooldown = (settings.get(name) for name in ("num_retries", "allowed_fails", "cooldown_time"))
    total, first = settings.get("timeout", settings.get("request_timeout")), settings.get("stream_timeout")
    spec: dict[str, Json] = {}
    if isinstance(retries, int) and retries >= 0:
        spec["retry"] = {"maxAttempts": retries + 1}
    breaker: dict[str, object] = {}
    if isinstance(allowed, int) and allowed >= 0:
        breaker["consecutiveFailures"] = allowed + 1
    if isinstance(cooldown, int | float) and 0 < cooldown <= 300:
        breaker["recoveryTimeout"] = _duration(cooldown)
    if breaker:
        spec["circuitBreaker"] = breaker
    timeouts: dict[str, object] = {}
    if isinstance(total, int | float) and 0 < total <= 3600:
        timeouts["request"] = _duration(total)
    if isinstance(first, int | float) and 0 < first <= 3600:
        timeouts["firstToken"] = _duration(first)
    if timeouts:
        spec["timeouts"] = timeouts
    return spec


def _duration(seconds: float) -> str:
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{int(seconds * 1000)}ms"


def _not_carried(document: Json, settings: Json) -> Iterator[str]:
    for section in ("litellm_settings", "router_settings"):
        for name in as_object(document.get(section)):
            if name not in SETTINGS:
                yield f"{section}.{name}: not carried over"
    for name in as_object(document.get("general_settings")):
        what = "use access.clients of the pool for callers' API keys" if name == "master_key" else "not carried over"
        yield f"general_settings.{name}: {what}"
    for name in document:
        if name not in ("model_list", "credential_list", "litellm_settings", "router_settings", "general_settings"):
            yield f"{name}: not carried over"
