"""Whom nobody may serve: models and clients for which the data policy and access.clients[].allow leave no endpoint.

Decided on the routers' document, so that it is what routers do. Where no restriction is the cause nobody is named: an
outage concerns all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from poolkeeper.api.router_document import EndpointDoc, RouterDoc


@dataclass(frozen=True)
class Unserved:
    """client: "" for every caller. permitted: the endpoints that may serve these models; barred: those that have them,
    and may not."""

    client: str
    models: tuple[str, ...]
    permitted: tuple[str, ...]
    barred: tuple[str, ...]


def unserved(document: RouterDoc, serves: Callable[[str], bool]) -> Iterator[Unserved]:
    """serves(endpoint): does it take traffic, as far as is known?"""
    all_callers = tuple(_of(document, "", document.models, None, serves))
    yield from all_callers
    named = {model for found in all_callers for model in found.models}
    for client in document.access.clients:
        models = document.models if client.allowed_models is None else client.allowed_models
        rest = [model for model in models if model not in named]
        yield from _of(document, client.name, rest, client.allowed_endpoints, serves)


def _of(
    document: RouterDoc,
    client: str,
    models: Iterable[str],
    allowed: tuple[str, ...] | None,
    serves: Callable[[str], bool],
) -> Iterator[Unserved]:
    """Models with one cause are named together."""
    causes: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for model in models:
        having = [one for one in document.endpoints if one.mode != "Disabled" and _has(one, model)]
        permitted = tuple(one.name for one in having if _may(one, allowed))
        barred = tuple(one.name for one in having if not _may(one, allowed))
        is_cause = not permitted or any(one.mode == "Forbidden" or serves(one.name) for one in having)
        if barred and is_cause and not any(serves(name) for name in permitted):
            causes.setdefault((permitted, barred), []).append(model)
    for (permitted, barred), named in causes.items():
        yield Unserved(client, tuple(named), permitted, barred)


def _has(endpoint: EndpointDoc, model: str) -> bool:
    return any(route.name == model for route in endpoint.models)


def _may(endpoint: EndpointDoc, allowed: tuple[str, ...] | None) -> bool:
    return endpoint.mode != "Forbidden" and (allowed is None or endpoint.name in allowed)
