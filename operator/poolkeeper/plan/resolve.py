"""From the declared world to the document that routers run on, or to the reason why none is rolled out.

The generation only grows: equal content keeps the one it has, other content gets one more than any that was ever seen,
in the ConfigMap or at a router. So a router never takes an older document for a newer one, also after the ConfigMap was
deleted or put back from a backup.
"""

from dataclasses import dataclass
from datetime import datetime

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.probe_document import ProbeDoc
from poolkeeper.api.router_document import EndpointDoc, RouterDoc
from poolkeeper.api.status import LastProbe
from poolkeeper.plan.annotations import failed_back_at, held_tiers
from poolkeeper.plan.calendars import calendar_docs
from poolkeeper.plan.client_access import access_doc
from poolkeeper.plan.ending_models import EndingModel, ending_models
from poolkeeper.plan.endpoints import endpoint_docs
from poolkeeper.plan.hashing import content_hash, digest
from poolkeeper.plan.known_outages import outages
from poolkeeper.plan.missing_references import MissingRef, missing_refs
from poolkeeper.plan.per_router_share import sending_routers
from poolkeeper.plan.policy import policy_doc
from poolkeeper.plan.probe import probe_doc
from poolkeeper.plan.probe_advice import advised, last_probe
from poolkeeper.plan.probe_successes import answered
from poolkeeper.plan.rollout_hold import Hold, failover_to_tier, hold_of
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.plan.timezones import time_zones
from poolkeeper.plan.unused_fields import nobody_may_serve, without_effect


@dataclass(frozen=True)
class Plan:
    """document or hold, never both. policy_name: of the FailoverPolicy in force ("": the built-in defaults). probe:
    whom to probe, with a document and spec.probe. last_probe: with the runs that have finished since."""

    document: RouterDoc | None
    hold: Hold | None
    missing: tuple[MissingRef, ...] = ()
    without_effect: tuple[str, ...] = ()
    ending: tuple[EndingModel, ...] = ()
    policy_name: str = ""
    policy_generation: int = 0
    probe: ProbeDoc | None = None
    last_probe: LastProbe | None = None


def resolve(snapshot: Snapshot, now: datetime) -> Plan:
    """now: for the time zones in the document, equal within a year, and for how old reports are."""
    missing = missing_refs(snapshot)
    hold = hold_of(snapshot, missing)
    policy = snapshot.policy.spec if snapshot.policy else FailoverPolicySpec()
    pool = snapshot.pool
    last = last_probe(snapshot)
    document = _document(snapshot, pool, policy, last, now) if pool and not hold else None
    return Plan(
        document=document,
        hold=hold,
        missing=missing,
        without_effect=(
            *(without_effect(pool.spec, policy, snapshot.settings.local) if pool else ()),
            *(nobody_may_serve(document) if document else ()),
        ),
        ending=ending_models(pool.spec, now) if pool else (),
        policy_name=snapshot.policy.metadata.name if snapshot.policy else "",
        policy_generation=snapshot.policy_generation,
        probe=probe_doc(snapshot, pool.spec, document.endpoints, last) if pool and document else None,
        last_probe=last,
    )


def _document(
    snapshot: Snapshot, pool: EndpointPool, policy: FailoverPolicySpec, last: LastProbe | None, now: datetime
) -> RouterDoc:
    endpoints = advised(endpoint_docs(snapshot, pool.spec), pool.spec, last)
    draft = RouterDoc(
        pool=str(snapshot.key),
        id=_id(snapshot, endpoints),
        generation=1,
        hash="",
        allow_loopback=snapshot.settings.local,
        models=pool.spec.models,
        endpoints=endpoints,
        policy=policy_doc(policy, failed_back_at(snapshot), held_tiers(snapshot)),
        access=access_doc(pool.spec.access, pool.spec.endpoints, sending_routers(snapshot)),
        log_percent=pool.spec.router.request_log.sample_percent,
        failover_to_tier=failover_to_tier(snapshot),
        time_zones=time_zones(pool.spec, now),
        calendars=calendar_docs(snapshot),
        outages=outages(snapshot, now),
        answered=answered(snapshot, endpoints, now),
    )
    # News is no configuration: no new generation, and no roll-out to wait for.
    content = content_hash(draft.model_dump(mode="json", by_alias=True, exclude={"outages", "answered"}))
    return draft.model_copy(update={"hash": content, "generation": _generation(snapshot, content)})


def _id(snapshot: Snapshot, endpoints: tuple[EndpointDoc, ...]) -> str:
    """Two clusters may have pools of the same name. Other pools receive it, of other people too: so it is no name."""
    return digest(snapshot.uid)[:16] if any(one.provider == "Poolkeeper" for one in endpoints) else ""


def _generation(snapshot: Snapshot, content: str) -> int:
    live = snapshot.live
    at_routers = max((report.state.generation for report in snapshot.reports if report.state), default=0)
    if content == live.document_hash and live.document_generation >= max(1, at_routers):
        return live.document_generation
    return 1 + max(live.document_generation, at_routers)
