"""One endpoint, from its name to the last token: the way there first, and only if there is one, requests that cost."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc
from poolkeeper.api.probe_result import EndpointProbe, ProbePhases
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.api.router_document import Credential, ModelRoute
from poolkeeper.plan.hashing import canonical_json
from poolkeeper.prober.connect import find_way
from poolkeeper.prober.files import Files
from poolkeeper.prober.timed_request import Asker, Patience
from poolkeeper.probing import pricing
from poolkeeper.probing.budget import Purse
from poolkeeper.probing.calendar import Calendars, by_name
from poolkeeper.probing.evaluate import Asked, judge_exchange, judge_reach
from poolkeeper.probing.key_results import of_keys
from poolkeeper.probing.phases import Exchange, Reach
from poolkeeper.probing.sample_count import next_sample
from poolkeeper.probing.samples import Body, Samples, chosen, request_body
from poolkeeper.probing.window import Run, run_of
from poolkeeper.providers.balance import HAVE_A_PAGE

KNOWN_FINISHES = frozenset({"stop", "length", "content_filter", "tool_calls", "insufficient_system_resource"})
WITH_EACH_FURTHER_KEY = 1
"""Requests with a key, once another key of the endpoint has had an answer."""
PATIENCE_FACTOR = 4
SHORTEST_PATIENCE_S, LONGEST_PATIENCE_S = 10.0, 60.0


@dataclass(frozen=True)
class Trip:
    """What all endpoints of a run share. tls: by endpoint, where it speaks it. nonce: something never said before, at
    each call. first: which sample begins."""

    document: ProbeDoc
    files: Files
    tls: Mapping[str, ssl.SSLContext]
    samples: Samples
    purse: Purse
    now: Callable[[], datetime]
    nonce: Callable[[], str]
    first: int


@dataclass(frozen=True)
class Sampled:
    """One request. model: as the pool calls it. reason: what was wrong (None: nothing)."""

    model: str
    exchange: Exchange
    reason: ProbeReason | None


def patience(document: ProbeDoc) -> Patience:
    """Longer than the limit for slow, so that slow and dead differ."""
    first_s = document.first_token_ms / 1000 * PATIENCE_FACTOR
    rest_s = 2 * document.max_tokens / max(1, document.min_tokens_per_second)
    return Patience(*(min(LONGEST_PATIENCE_S, max(SHORTEST_PATIENCE_S, limit_s)) for limit_s in (first_s, rest_s)))


async def probe_endpoint(trip: Trip, endpoint: ProbedEndpointDoc) -> EndpointProbe:
    if not endpoint.credentials:
        return await _probe(trip, endpoint, endpoint.credential, trip.document.requests_per_run)
    found: list[EndpointProbe] = []
    for credential in endpoint.credentials:
        has_answered = any(one.asked and not one.why for one in found)
        wanted = WITH_EACH_FURTHER_KEY if has_answered else trip.document.requests_per_run
        found.append(await _probe(trip, endpoint, credential, wanted))
    return of_keys(found)


async def _probe(trip: Trip, endpoint: ProbedEndpointDoc, credential: Credential | None, wanted: int) -> EndpointProbe:
    """With one of its API keys."""
    key = trip.files.key(credential) if credential else None
    if credential and key is None:
        return _reported(endpoint, Run(ProbeReason.SecretNotFound, 1, 1), Reach(), None)
    tls = trip.tls.get(endpoint.name)
    way = await find_way(endpoint, tls, trip.document.allow_loopback)
    on_the_way = judge_reach(way.reach, trip.now())
    if way.reach.failed:
        return _reported(endpoint, Run(way.reach.failed, 1, 1), way.reach, None)
    asker = Asker(endpoint, way.address, tls, key)
    try:
        if endpoint.provider in HAVE_A_PAGE and key and await asker.is_out_of_balance():
            return _reported(endpoint, Run(ProbeReason.BalanceExhausted, 1, 1), way.reach, None)
        seen = await _ask(trip, endpoint, asker, wanted)
    finally:
        await asker.close()
    run = run_of([sampled.reason for sampled in seen])
    if on_the_way and run and not run.reason:
        run = Run(on_the_way, run.asked, run.asked)
    telling = next((sampled for sampled in seen if run and run.reason and sampled.reason == run.reason), None)
    shown = telling or (seen[-1] if seen else None)
    silent = seen[-1].reason if seen else None
    return _reported(endpoint, run or Run(silent, 0, 0), way.reach, shown.exchange if shown else None, _well(seen))


async def _ask(trip: Trip, endpoint: ProbedEndpointDoc, asker: Asker, wanted: int) -> list[Sampled]:
    seen: list[Sampled] = []
    while (place := next_sample([sampled.reason for sampled in seen], wanted)) is not None:
        sampled = await _sample(trip, endpoint, asker, trip.first + place)
        if sampled is None:
            break
        seen.append(sampled)
    return seen


async def _sample(trip: Trip, endpoint: ProbedEndpointDoc, asker: Asker, at: int) -> Sampled | None:
    """at: which one. None: there is no money for it."""
    document = trip.document
    sample = chosen(trip.samples, at)
    route = _route(endpoint, sample, at)
    body = request_body(sample, endpoint.provider, route.upstream_name, document.max_tokens, trip.nonce())
    calendars = by_name(document.calendars)
    at_most = _at_most(endpoint, body, trip.now(), calendars)
    if endpoint.pricing and not trip.purse.reserve(endpoint.pricing.currency, at_most):
        return None
    exchange = await asker.ask(body, patience(document))
    if endpoint.pricing:
        trip.purse.settle(
            endpoint.pricing.currency, at_most, _price(endpoint, exchange, at_most, trip.now(), calendars)
        )
    asked = Asked(endpoint.provider, route.upstream_name, document.first_token_ms, document.min_tokens_per_second)
    return Sampled(route.name, exchange, judge_exchange(exchange, asked))


def _route(endpoint: ProbedEndpointDoc, sample: Body, at: int) -> ModelRoute:
    """The model that the sample names, if the endpoint serves it; else one after the other."""
    named = next((route for route in endpoint.models if route.name == sample.get("model")), None)
    return named or endpoint.models[at % len(endpoint.models)]


def _well(seen: Sequence[Sampled]) -> tuple[str, ...]:
    """The models of which every answer was good."""
    bad = {sampled.model for sampled in seen if sampled.reason}
    return tuple(sorted({sampled.model for sampled in seen} - bad))


def _at_most(endpoint: ProbedEndpointDoc, body: Body, now: datetime, calendars: Calendars) -> Decimal:
    limit = body["max_tokens"]
    if endpoint.pricing is None or not isinstance(limit, int):
        return Decimal(0)
    return pricing.most(endpoint.pricing, len(canonical_json(body).encode()), limit, now, calendars)


def _price(
    endpoint: ProbedEndpointDoc, exchange: Exchange, at_most: Decimal, now: datetime, calendars: Calendars
) -> Decimal:
    """As counted by the provider; what was refused costs nothing; what cannot be known costs what it may."""
    if endpoint.pricing and exchange.usage:
        return pricing.cost(endpoint.pricing, exchange.usage, now, calendars)
    return Decimal(0) if exchange.refused else at_most


def _reported(
    endpoint: ProbedEndpointDoc, run: Run, reach: Reach, exchange: Exchange | None, well: tuple[str, ...] = ()
) -> EndpointProbe:
    return EndpointProbe(
        name=endpoint.name,
        fingerprint=endpoint.fingerprint,
        why=run.reason.value if run.reason else "",
        bad=run.bad,
        asked=run.asked,
        well=well,
        phases=_phases(reach, exchange or Exchange()),
    )


def _phases(reach: Reach, exchange: Exchange) -> ProbePhases:
    speed, usage = exchange.tokens_per_second, exchange.usage
    finish = exchange.finish
    return ProbePhases(
        dns=_whole(reach.dns_ms),
        addresses=reach.addresses or None,
        unreachable=reach.unreachable or None,
        tcp=_whole(reach.tcp_ms),
        proxy=_whole(reach.proxy_ms),
        tls=_whole(reach.tls_ms),
        certificate_ends=f"{reach.certificate.ends:%Y-%m-%dT%H:%MZ}" if reach.certificate else None,
        headers=_whole(exchange.headers_ms),
        alive=_whole(exchange.alive_ms),
        first=_whole(exchange.first_content_ms),
        end=_whole(exchange.ended_ms) if exchange.headers_ms is not None else None,
        rate=round(speed, 1) if speed is not None else None,
        status=exchange.status or None,
        finish=finish if finish is None or finish in KNOWN_FINISHES else "other",
        prompt=usage.prompt if usage else None,
        completion=usage.completion if usage else None,
        cached=usage.cached or None if usage else None,
    )


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
