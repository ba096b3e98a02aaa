"""What an import gives: manifests, and a note for everything that they cannot say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from poolkeeper.api.base import API_VERSION

Json = Mapping[str, object]
NAME_LENGTH = 30
PROVIDERS = {
    "api.deepseek.com": "DeepSeek",
    "openrouter.ai": "OpenRouter",
    "api.siliconflow.cn": "SiliconFlow",
    "api.siliconflow.com": "SiliconFlow",
    "api.together.xyz": "Together",
    "api.fireworks.ai": "Fireworks",
    "api.perplexity.ai": "Perplexity",
    "api.poe.com": "Poe",
}
"""Host -> provider. Every other host speaks OpenAI's API."""


@dataclass(frozen=True)
class Imported:
    manifests: tuple[Json, ...]
    notes: tuple[str, ...]
    """`PLACE: what was seen; what to do`, a line each."""


def host_of(url: str) -> str:
    """Empty where it names none: what comes from another gateway's file may be anything."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def provider_of(url: str) -> str:
    return PROVIDERS.get(host_of(url), "OpenAI")


def name_of(text: str, taken: set[str]) -> str:
    """A DNS label that nobody has yet; adds it to those that are taken."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH].strip("-") or "endpoint"
    found, number = base, 2
    while found in taken:
        found = f"{base[: NAME_LENGTH - 3]}-{number}"
        number += 1
    taken.add(found)
    return found


def manifest(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def models_of(served: Mapping[str, str], all_models: Sequence[str]) -> list[Json]:
    """served: the caller's name -> the endpoint's. Empty where it serves all under the same names."""
    if list(served) == list(all_models) and all(name == own for name, own in served.items()):
        return []
    return [{"name": name} if name == own else {"name": name, "upstreamName": own} for name, own in served.items()]


def as_object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
