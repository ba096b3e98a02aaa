"""ResolvedRefs: does everything that the spec refers to exist?

Secrets are never read here. A router reports that the file of a key is missing. If it has another file of the same
Secret, the key is missing in the Secret; otherwise the Secret itself counts as missing.
"""

from collections.abc import Iterator

from poolkeeper.api.base import SecretKeyRef
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import KEY_MISSING
from poolkeeper.api.router_state import ClientState
from poolkeeper.status.chain import Check, Finding, as_before, since_when
from poolkeeper.status.endpoint_fact import EndpointFact, KeyFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.merge_replicas import clients_without_key


def unread(facts: Facts) -> Finding | None:
    if facts.snapshot.pool is not None:
        return None
    return Finding("Unknown", Reason.Pending, "The spec is invalid, so its references were not checked")


def missing(facts: Facts) -> Finding | None:
    found = facts.plan.missing
    if not found:
        return None
    tail = f". {facts.last_good}" if any(ref.holds for ref in found) else ""
    return Finding("False", found[0].reason, "; ".join(ref.message for ref in found) + tail)


def key_missing(facts: Facts) -> Finding | None:
    lacking = [(endpoint, missing) for endpoint in facts.counted for missing in _missing_keys(endpoint)]
    if not lacking:
        return None
    mounted: set[str] = {ref.name for endpoint in facts.endpoints for ref in endpoint.mounted}
    known = lacking[0][1].ref.name in mounted
    reason = Reason.SecretKeyMissing if known else Reason.SecretNotFound
    text = "; ".join(_text(endpoint, missing, mounted) for endpoint, missing in lacking)
    without = [endpoint for endpoint, _ in lacking if endpoint.reason in KEY_MISSING]
    end = "An endpoint without its API key gets no traffic" if without else "Its other API keys serve"
    return Finding("False", reason, f"{text}. {end}")


def _missing_keys(endpoint: EndpointFact) -> Iterator[KeyFact]:
    """Of one key, or of several; of these also while others serve."""
    of_several = [key for key in endpoint.keys_left_out if key.reason in KEY_MISSING]
    yield from of_several
    if not of_several and endpoint.credential and endpoint.reason in KEY_MISSING:
        yield KeyFact(endpoint.credential, endpoint.reason, endpoint.since, endpoint.agreement)


def client_key_missing(facts: Facts) -> Finding | None:
    lacking = clients_without_key(facts.states.values())
    clients = facts.snapshot.pool.spec.access.clients if facts.snapshot.pool else ()
    missing = {name for name, (seen, _) in lacking.items() if seen.problem == "Missing"}
    found = [client for client in clients if client.name in missing]
    if not found:
        return None
    mounted: set[str] = {client.key_ref.name for client in clients if client.name not in missing}
    reason = Reason.SecretKeyMissing if found[0].key_ref.name in mounted else Reason.SecretNotFound
    text = "; ".join(
        f"{_what_is_missing(client.key_ref, mounted)}; client {client.name} needs it, and the routers miss the file "
        f"({lacking[client.name][1]}/{len(facts.states)} replicas)"
        for client in found
    )
    return Finding("False", reason, f"{text}. Clients without an API key cannot authenticate")


def client_key_unusable(facts: Facts) -> Finding | None:
    lacking = clients_without_key(facts.states.values())
    clients = facts.snapshot.pool.spec.access.clients if facts.snapshot.pool else ()
    text = "; ".join(
        _unusable(client.name, client.key_ref, lacking[client.name][0]) for client in clients if client.name in lacking
    )
    return Finding("False", Reason.ClientKeyUnusable, f"{text}. Nobody can call as such a client") if text else None


def _unusable(name: str, ref: SecretKeyRef, seen: ClientState) -> str:
    where = f"the key of client {name} (Secret {ref.name}, key {ref.key})"
    if seen.problem == "Shared":
        return f"{where} is the same as that of client {seen.shared_with}, which has it; give each client its own"
    return f"{where} is too short to be a secret; wanted at least 8 characters, better 32 random ones"


def resolved(facts: Facts) -> Finding:
    return Finding("True", Reason.ResolvedRefs, "All references exist, as far as the operator can see")


CHECKS: tuple[Check, ...] = (
    unread,
    missing,
    as_before(ConditionType.ResolvedRefs, Reason.SecretNotFound, Reason.SecretKeyMissing, Reason.ClientKeyUnusable),
    key_missing,
    client_key_missing,
    client_key_unusable,
    resolved,
)


def _text(endpoint: EndpointFact, missing: KeyFact, mounted: set[str]) -> str:
    what = _what_is_missing(missing.ref, mounted)
    seen_by = f" ({missing.agreement})" if missing.agreement else ""
    return (
        f"{what}; endpoint {endpoint.name} needs it, and the routers miss the file{since_when(missing.since)}{seen_by}"
    )


def _what_is_missing(ref: SecretKeyRef, mounted: set[str]) -> str:
    """mounted: the Secrets of which the routers have another file."""
    if ref.name in mounted:
        return f"Secret {ref.name} has no key {ref.key}, or it is no API key"
    return f"Secret {ref.name} with key {ref.key} does not exist, or it is no API key"
