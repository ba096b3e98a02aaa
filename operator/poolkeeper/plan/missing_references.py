"""References of a pool to objects that do not exist. Not of Secrets: only a router, which mounts them, can see that.

A missing Service or ConfigMap does not stop the roll-out: the endpoint that needs it fails, the others serve. The
ConfigMap of a calendar does: without it, prices and weights would be wrong, and nobody would notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from poolkeeper.api.base import ConfigMapKeyRef, Problem
from poolkeeper.api.reasons import Reason
from poolkeeper.plan.calendars import wrong_with
from poolkeeper.plan.snapshot import Snapshot


@dataclass(frozen=True)
class MissingRef:
    """reason: of the condition. message: what is missing, which field needs it, and what to do. holds: nothing is
    rolled out without it. problem: of what is there and cannot be used."""

    reason: Reason
    message: str
    holds: bool = False
    problem: Problem | None = None


def missing_refs(snapshot: Snapshot) -> tuple[MissingRef, ...]:
    return (
        *_policy(snapshot),
        *_calendars(snapshot),
        *_services(snapshot),
        *_deployments(snapshot),
        *_config_maps(snapshot),
    )


def _policy(snapshot: Snapshot) -> Iterator[MissingRef]:
    ref = snapshot.pool.spec.failover_policy_ref if snapshot.pool else None
    if ref is None or snapshot.policy is not None:
        return
    problems = "; ".join(str(problem) for problem in snapshot.policy_problems)
    what = f"is invalid: {problems}" if problems else f"does not exist in namespace {snapshot.key.namespace}"
    yield MissingRef(Reason.PolicyNotFound, f"FailoverPolicy {ref.name} (spec.failoverPolicyRef) {what}", holds=True)


def _calendars(snapshot: Snapshot) -> Iterator[MissingRef]:
    for index, calendar in enumerate(snapshot.pool.spec.calendars if snapshot.pool else ()):
        ref, text = calendar.config_map_ref, snapshot.calendars.get(calendar.name)
        if text is None:
            for found in _config_map(snapshot, ref, f"calendar {calendar.name} (spec.calendars[{index}])"):
                yield replace(found, holds=True)
        elif wrong := wrong_with(text):
            wrong_part = f"ConfigMap {ref.name}, key {ref.key}: {wrong}"
            problem = Problem(f"spec.calendars[{index}].configMapRef", wrong_part)
            message = f"Calendar {calendar.name} cannot be read: {wrong_part}"
            yield MissingRef(Reason.ConfigMapNotFound, message, holds=True, problem=problem)


def _services(snapshot: Snapshot) -> Iterator[MissingRef]:
    if snapshot.pool is None or snapshot.settings.local:
        return
    for endpoint in snapshot.pool.spec.endpoints:
        ref = endpoint.service_ref
        if ref and ref.name not in snapshot.services:
            yield MissingRef(
                Reason.ServiceNotFound,
                f"Service {ref.name} of endpoint {endpoint.name} does not exist in namespace "
                f"{snapshot.key.namespace}; the endpoint cannot be reached until it does",
            )


def _deployments(snapshot: Snapshot) -> Iterator[MissingRef]:
    if snapshot.pool is None or snapshot.settings.local:
        return
    for endpoint in snapshot.pool.spec.endpoints:
        ref = endpoint.standby.deployment_ref if endpoint.standby else None
        if ref and ref.name not in snapshot.scales:
            yield MissingRef(
                Reason.DeploymentNotFound,
                f"Deployment {ref.name}, the standby of endpoint {endpoint.name}, does not exist in namespace "
                f"{snapshot.key.namespace}; it cannot be woken until it does",
            )


def _config_maps(snapshot: Snapshot) -> Iterator[MissingRef]:
    if snapshot.pool is None:
        return
    for endpoint in snapshot.pool.spec.endpoints:
        if endpoint.tls and endpoint.tls.ca_ref:
            yield from _config_map(snapshot, endpoint.tls.ca_ref, f"endpoint {endpoint.name} (tls.caRef)")
    probe = snapshot.pool.spec.probe
    if probe and probe.samples_ref:
        yield from _config_map(snapshot, probe.samples_ref, "spec.probe.samplesRef")


def _config_map(snapshot: Snapshot, ref: ConfigMapKeyRef, wanted_by: str) -> Iterator[MissingRef]:
    keys = snapshot.config_maps.get(ref.name)
    if keys is None:
        yield MissingRef(
            Reason.ConfigMapNotFound,
            f"ConfigMap {ref.name} of {wanted_by} does not exist in namespace {snapshot.key.namespace}",
        )
    elif ref.key not in keys:
        seen = ", ".join(sorted(keys)) or "none"
        yield MissingRef(
            Reason.ConfigMapNotFound,
            f"ConfigMap {ref.name} has no key {ref.key}, which {wanted_by} needs; its keys: {seen}",
        )
