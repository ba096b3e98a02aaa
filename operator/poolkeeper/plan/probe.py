"""Whom the probe asks, and what it may spend: its document, from the same resolved endpoints as the router's."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc, SpentDoc
from poolkeeper.api.router_document import EndpointDoc
from poolkeeper.api.router_reasons import ASLEEP
from poolkeeper.api.status import LastProbe
from poolkeeper.plan.calendars import calendar_docs
from poolkeeper.plan.snapshot import Snapshot

FINGERPRINT_DIGITS = 8
"""Of the router's 16: a result has to fit 32 endpoints into 4 KiB."""


def probe_doc(
    snapshot: Snapshot, spec: EndpointPoolSpec, endpoints: Iterable[EndpointDoc], last: LastProbe | None
) -> ProbeDoc | None:
    """None without spec.probe."""
    probe = spec.probe
    if probe is None:
        return None
    declared = {str(endpoint.name): endpoint for endpoint in spec.endpoints}
    is_priced = any(endpoint.pricing for endpoint in spec.endpoints)
    return ProbeDoc(
        pool=str(snapshot.key),
        schedule=probe.schedule,
        allow_loopback=snapshot.settings.local,
        requests_per_run=probe.requests_per_run,
        max_tokens=probe.max_tokens,
        first_token_ms=probe.first_token.ms,
        min_tokens_per_second=probe.min_tokens_per_second,
        daily_budget=probe.daily_budget,
        spent=_spent(last, snapshot.live.probing_since) if is_priced else None,
        calendars=calendar_docs(snapshot) if is_priced else (),
        endpoints=tuple(_endpoints(endpoints, declared)),
    )


def short(fingerprint: str) -> str:
    return fingerprint[:FINGERPRINT_DIGITS]


def _endpoints(endpoints: Iterable[EndpointDoc], declared: Mapping[str, Endpoint]) -> Iterable[ProbedEndpointDoc]:
    for endpoint in endpoints:
        said = declared[endpoint.name]
        if endpoint.mode in ("Disabled", "Forbidden", *ASLEEP) or not endpoint.models:
            continue
        yield ProbedEndpointDoc(
            name=endpoint.name,
            fingerprint=short(endpoint.fingerprint),
            provider=said.provider,
            scheme=endpoint.scheme,
            host=endpoint.host,
            port=endpoint.port,
            path=endpoint.path,
            tls=endpoint.tls,
            credential=endpoint.credential,
            credentials=endpoint.credentials,
            egress_proxy=endpoint.egress_proxy,
            models=endpoint.models,
            pricing=said.pricing,
        )


def _spent(last: LastProbe | None, since: datetime | None) -> SpentDoc | None:
    """since: when the CronJob was created. Until a run has reported, all runs due since count as unreported."""
    if last and last.day:
        return SpentDoc(day=date.fromisoformat(last.day), as_of=last.time, amounts=last.spent)
    return SpentDoc(day=since.astimezone(UTC).date(), as_of=since) if since else None
