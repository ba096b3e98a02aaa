"""Who may call: each client's key as a file below the clients folder, and how much of it at once."""

from collections.abc import Sequence

from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.pool_spec import Access, Allow
from poolkeeper.api.router_document import AccessDoc, ClientDoc, CorsDoc
from poolkeeper.plan.endpoints import secret_source
from poolkeeper.plan.per_router_share import share


def access_doc(access: Access, endpoints: Sequence[Endpoint], among: int) -> AccessDoc:
    """endpoints: the pool's. among: how many routers share a client's connection limit."""
    cors = access.cors and CorsDoc(
        origins=access.cors.allowed_origins,
        headers=access.cors.allowed_headers,
        max_age_s=access.cors.max_age.ms // 1000,
    )
    if access.mode == "Open":
        return AccessDoc(mode="Open", cors=cors)
    clients = (
        ClientDoc(
            name=client.name,
            key_file=client.name,
            source=secret_source(client.key_ref.name, client.key_ref.key),
            priority=client.priority,
            max_connections=share(client.max_connections, among),
            allowed_models=tuple(sorted(client.allow.models)) or None,
            allowed_endpoints=_allowed_endpoints(client.allow, endpoints),
            debug=client.debug,
        )
        for client in access.clients
    )
    return AccessDoc(mode="Keys", clients=tuple(sorted(clients, key=lambda client: client.name)), cors=cors)


def _allowed_endpoints(allow: Allow, endpoints: Sequence[Endpoint]) -> tuple[str, ...] | None:
    """None: all, also those that come later."""
    if not allow.endpoints and not allow.regions:
        return None
    named = (one for one in endpoints if not allow.endpoints or one.name in allow.endpoints)
    return tuple(sorted(one.name for one in named if not allow.regions or one.region in allow.regions))
