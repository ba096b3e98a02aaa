"""Channels of New API (and One API) -> a pool. A channel becomes an endpoint; the priority orders the tiers.

The document is what GET /api/channel/ answers, or the list in it. Its fields: https://docs.newapi.pro.
"""

import json
from collections.abc import Mapping, Sequence

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

NEW_API = {
    1: "https://api.openai.com",
    4: "http://localhost:11434",
    6: "https://api.openaimax.com",
    7: "https://api.ohmygpt.com",
    8: "",
    17: "https://dashscope.aliyuncs.com",
    19: "https://api.360.cn",
    20: "https://openrouter.ai/api",
    25: "https://api.moonshot.cn",
    26: "https://open.bigmodel.cn",
    27: "https://api.perplexity.ai",
    31: "https://api.lingyiwanwu.com",
    40: "https://api.siliconflow.cn",
    42: "https://api.mistral.ai",
    43: "https://api.deepseek.com",
    45: "https://ark.cn-beijing.volces.com",
    46: "https://qianfan.baidubce.com",
    47: "",
    48: "https://api.x.ai",
    53: "https://llm.submodel.ai",
}
"""The type of a channel -> its base URL where the channel has none of its own. Other types speak other APIs."""
ONE_API = {
    **{kind: NEW_API[kind] for kind in (1, 6, 7, 8, 17, 20, 25, 31)},
    2: "https://oa.api2d.net",
    4: "https://api.closeai-proxy.xyz",
    5: "https://api.openai-sb.com",
    19: "https://ai.360.cn",
    26: "https://api.baichuan-ai.com",
    28: "https://api.mistral.ai",
    29: "https://api.groq.com/openai",
    30: "http://localhost:11434",
    32: "https://api.stepfun.com",
    36: "https://api.deepseek.com",
    39: "https://api.together.xyz",
    40: "https://ark.cn-beijing.volces.com",
    41: "https://api.novita.ai/v3/openai",
    44: "https://api.siliconflow.cn",
    45: "https://api.x.ai",
    50: "",
}
"""Its numbers are others from 2 and 26 on: 36 is DeepSeek's here, and makes songs there."""
PATHS = {
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "open.bigmodel.cn": "/api/paas/v4",
    "ark.cn-beijing.volces.com": "/api/v3",
    "qianfan.baidubce.com": "/v2",
    "api.novita.ai": "",
    "api.perplexity.ai": "",
}
"""Host -> what both add to its base URL. Elsewhere it is /v1."""
ENABLED = 1
TIERS = 10
KEYS = 8
CARRIED = {
    "id",
    "name",
    "type",
    "status",
    "priority",
    "weight",
    "models",
    "base_url",
    "model_mapping",
    "key",
    "channel_info",
    "config",
}
OF_NO_USE = {"response_time", "test_time", "created_time", "balance", "balance_updated_time", "used_quota", "remark"}


def new_api(document: object, pool: str = "imported") -> Imported:
    notes: list[str] = []
    found = [as_object(one) for one in _channels(document)]
    bases = ONE_API if _is_one_api(found) else NEW_API
    channels = [one for one in found if _is_usable(one, bases, notes)]
    if not channels:
        return Imported((), (*notes, "seen no enabled channel with an OpenAI-compatible API; wanted at least one"))
    priorities = sorted({_number(one.get("priority")) for one in channels}, reverse=True)
    if len(priorities) > TIERS:
        notes.append(f"priority: seen {len(priorities)} levels; a pool has {TIERS} tiers, the rest are in the last")
    models = list(dict.fromkeys(name for one in channels for name in _models(one)))
    taken: set[str] = set()
    endpoints = [_endpoint(one, _url(one, bases), priorities, models, taken, notes) for one in channels]
    return Imported((manifest("EndpointPool", pool, {"models": models, "endpoints": endpoints}),), tuple(notes))


def _channels(document: object) -> Sequence[object]:
    if isinstance(document, list):
        return document
    data = as_object(document).get("data", as_object(document).get("channels"))
    return as_list(data) or as_list(as_object(data).get("items"))


def _is_one_api(channels: Sequence[Json]) -> bool:
    """Each of the two has members that the other one's channels lack."""
    return any("config" in one for one in channels) and not any("auto_ban" in one for one in channels)


def _is_usable(channel: Json, bases: Mapping[int, str], notes: list[str]) -> bool:
    place, kind = _place(channel), channel.get("type")
    if channel.get("status", ENABLED) != ENABLED:
        notes.append(f"{place}: disabled there: left out")
    elif not _models(channel):
        notes.append(f"{place}: seen no models: left out")
    elif not isinstance(kind, int) or kind not in bases:
        notes.append(f"{place}: seen type {kind}, whose API is not OpenAI's: left out")
    elif not _url(channel, bases):
        seen = channel.get("base_url") or "nothing"
        notes.append(f"{place}.base_url: seen {seen}, wanted an address such as https://api.example.com: left out")
    else:
        return True
    return False


def _endpoint(
    channel: Json, url: str, priorities: list[int], models: list[str], taken: set[str], notes: list[str]
) -> Json:
    place = _place(channel)
    mapping = _mapping(channel)
    served = {name: mapping.get(name, name) for name in models if name in _models(channel)}
    name = name_of(str(channel.get("name") or f"channel-{channel.get('id', '')}"), taken)
    secret = f"{name}-key"
    for field, value in channel.items():
        if field not in CARRIED and field not in OF_NO_USE and value not in (None, "", "{}", 0, "default", False):
            notes.append(f"{place}.{field}: not carried over")
    weight = _number(channel.get("weight"))
    return {
        "name": name,
        "provider": provider_of(url),
        "url": url,
        "tier": min(priorities.index(_number(channel.get("priority"))), TIERS - 1),
        "weight": max(1, min(1000, weight)) if weight else 100,
        **_credentials(place, secret, _keys(channel), notes),
        **({"insecure": True} if url.startswith("http://") else {}),
        **({"models": listed} if (listed := models_of(served, models)) else {}),
    }


def _keys(channel: Json) -> int:
    """How many API keys it has: a line each, or counted where the answer leaves the keys out."""
    info = as_object(channel.get("channel_info"))
    counted = _number(info.get("multi_key_size")) if info.get("is_multi_key") else 0
    return max(counted, len(str(channel.get("key") or "").split()), 1)


def _credentials(place: str, secret: str, keys: int, notes: list[str]) -> Json:
    if keys == 1:
        notes.append(f"{place}: put its API key into Secret {secret}, key api-key; keys are not copied")
        return {"credentialsRef": {"name": secret, "key": "api-key"}}
    kept = min(keys, KEYS)
    names = [f"api-key-{number}" for number in range(1, kept + 1)]
    notes.append(f"{place}: put its API keys into Secret {secret}, keys {names[0]} to {names[-1]}; keys are not copied")
    if keys > kept:
        notes.append(f"{place}.key: seen {keys} keys; an endpoint has up to {KEYS}: add an endpoint for the others")
    return {"credentialsRefs": [{"name": secret, "key": name} for name in names]}


def _place(channel: Json) -> str:
    return f"channel {channel.get('id', '?')} ({channel.get('name', '')})"


def _url(channel: Json, bases: Mapping[int, str]) -> str:
    kind = channel.get("type")
    base = str(channel.get("base_url") or "") or (bases.get(kind, "") if isinstance(kind, int) else "")
    if not base.startswith(("http://", "https://")):
        return ""
    base = base.rstrip("/").removesuffix("/chat/completions")
    path = PATHS.get(host_of(base), "/v1")
    return base if base.endswith(("/v1", path)) else f"{base}{path}"


def _models(channel: Json) -> list[str]:
    return [name for name in (part.strip() for part in str(channel.get("models") or "").split(",")) if name]


def _mapping(channel: Json) -> dict[str, str]:
    text = channel.get("model_mapping")
    try:
        found = json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        return {}
    return {str(name): str(own) for name, own in as_object(found).items()}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
