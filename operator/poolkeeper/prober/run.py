"""All endpoints of a pool, a few at a time, within the day's budget and a limit of time: one ProbeResult.

An endpoint that the time was too short for is in the result as not asked, so that nothing is concluded about it.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.clock import precise_now
from poolkeeper.plan.hashing import canonical_json
from poolkeeper.prober.endpoint import Trip, probe_endpoint
from poolkeeper.prober.files import Files
from poolkeeper.prober.timed_request import warm_up
from poolkeeper.probing import pricing
from poolkeeper.probing.budget import Purse, Purses, spent_today
from poolkeeper.probing.calendar import by_name
from poolkeeper.probing.sample_count import most_asked
from poolkeeper.probing.samples import BUILT_IN, Samples

PARALLEL = 8
RUN_LIMIT_S = 480.0
BODY_OVERHEAD_BYTES = 512
"""What request_body() adds to a sample."""
NONCE_BYTES = 8
FIRST_SAMPLE_BELOW = 1 << 20


async def probe_once(files: Files) -> ProbeResult:
    """One run now, by this machine's clock and random numbers."""
    return await run(files, precise_now, lambda: secrets.token_hex(NONCE_BYTES), secrets.randbelow(FIRST_SAMPLE_BELOW))


async def run(
    files: Files, now: Callable[[], datetime], nonce: Callable[[], str], first: int, limit_s: float = RUN_LIMIT_S
) -> ProbeResult:
    """nonce: something never said before, at each call. first: which of the samples begins, and which endpoint, so that
    what is left of a budget is not always the same one's."""
    document, samples, began = files.document(), files.samples(), now()
    at_most = _run_at_most(document, samples, began)
    purse = Purse(Decimal(document.daily_budget), spent_today(document.spent, document.schedule, at_most, began))
    trip = Trip(document, files, files.tls(document.endpoints), samples, purse, now, nonce, first)
    await warm_up()
    found, late = await _all(trip, limit_s)
    return ProbeResult(
        pool=document.pool,
        began=began,
        ended=now(),
        over_budget=purse.is_short,
        note=_note(document, samples, late),
        cost=purse.paid,
        endpoints=tuple(found),
    )


async def _all(trip: Trip, limit_s: float) -> tuple[list[EndpointProbe], int]:
    turn = asyncio.Semaphore(PARALLEL)

    async def one(endpoint: ProbedEndpointDoc) -> EndpointProbe:
        async with turn:
            return await probe_endpoint(trip, endpoint)

    endpoints = trip.document.endpoints
    at = trip.first % max(1, len(endpoints))
    tasks = {endpoint.name: asyncio.create_task(one(endpoint)) for endpoint in endpoints[at:] + endpoints[:at]}
    if tasks:
        _, late = await asyncio.wait(tasks.values(), timeout=limit_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    found = [_result(endpoint, tasks[endpoint.name]) for endpoint in endpoints]
    return found, sum(task.cancelled() for task in tasks.values())


def _result(endpoint: ProbedEndpointDoc, task: asyncio.Task[EndpointProbe]) -> EndpointProbe:
    return EndpointProbe(name=endpoint.name, fingerprint=endpoint.fingerprint) if task.cancelled() else task.result()


def _run_at_most(document: ProbeDoc, samples: Samples, at: datetime) -> Purses:
    """What a run like this one can cost, in each currency."""
    longest = max(len(canonical_json(body).encode()) for body in samples.bodies or (BUILT_IN,)) + BODY_OVERHEAD_BYTES
    total: dict[str, Decimal] = {}
    for endpoint in document.endpoints:
        if endpoint.pricing:
            one = pricing.most(endpoint.pricing, longest, document.max_tokens, at, by_name(document.calendars))
            currency, times = endpoint.pricing.currency, max(1, len(endpoint.credentials))
            total[currency] = total.get(currency, Decimal(0)) + one * times * most_asked(document.requests_per_run)
    return total


def _note(document: ProbeDoc, samples: Samples, late: int) -> str:
    note = f"{late}/{len(document.endpoints)} endpoints were not asked: the time was over" if late else ""
    return "; ".join(_some(samples.note, note))


def _some(*sentences: str) -> Iterable[str]:
    return (sentence for sentence in sentences if sentence)
