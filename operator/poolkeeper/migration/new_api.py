"""Channels of New API (and One API) -> a pool. A channel becomes an endpoint; the priority orders the tiers.

The document is what GET /api/channel/ answers, or the list in it. Its fields: https://docs.newapi.pro.
"""

import json
from collections.abc import Sequence

from poolkeeper.migration.imported import Imported, Json, as_list, as_object, manifest, models_of, name_of, provider_of

BASES = {
    1: "https://api.openai.com",
    20: "https://openrouter.ai/api",
    40: "https://api.siliconflow.cn",
    43: "https://api.deepseek.com",
}
"""The type of a channel -> its base URL where the channel has none of its own. Other types speak other APIs."""
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
}
OF_NO_USE = {"response_time", "test_time", "created_time", "balance", "balance_updated_time", "used_quota", "remark"}


def new_api(document: object, pool: str = "imported") -> Imported:
    notes: list[str] = []
    found = [as_object(one) for one in _channels(document)]
    channels = [one for one in found if _is_usable(one, notes)]
    if not channels:
        return Imported((), (*notes, "seen no enabled channel with an OpenAI-compatible API; wanted at least one"))
    priorities = sorted({_number(one.get("priority")) for one in channels}, reverse=True)
    if len(priorities) > TIERS:
        notes.append(f"priority: seen {len(priorities)} levels; a pool has {TIERS} tiers, the rest are in the last")
    models = list(dict.fromkeys(name for one in channels for name in _models(one)))
    taken: set[str] = set()
    endpoints = [_endpoint(one, priorities, models, taken, notes) for one in channels]
    return Imported((manifest("EndpointPool", pool, {"models": models, "endpoints": endpoints}),), tuple(notes))


def _channels(document: object) -> Sequence[object]:
    if isinstance(document, list):
        return document
    data = as_object(document).get("data", as_object(document).get("channels"))
    return as_list(data) or as_list(as_object(data).get("items"))


def _is_usable(channel: Json, notes: list[str]) -> bool:
    place = _place(channel)
    if channel.get("status", ENABLED) != ENABLED:
        notes.append(f"{place}: disabled there: left out")
    elif not _models(channel):
        notes.append(f"{place}: seen no models: left out")
    elif not _url(channel):
        notes.append(f"{place}: seen type {channel.get('type')} without base_url; its API is not OpenAI's: left out")
    else:
        return True
    return False


def _endpoint(channel: Json, priorities: list[int], models: list[str], taken: set[str], notes: list[str]) -> Json:
    place, url = _place(channel), _url(channel)
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


def _url(channel: Json) -> str:
    kind = channel.get("type")
    base = str(channel.get("base_url") or "") or (BASES.get(kind, "") if isinstance(kind, int) else "")
    if not base.startswith(("http://", "https://")):
        return ""
    base = base.rstrip("/")
    return base if base.endswith("/v1") else f"{base}/v1"


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
