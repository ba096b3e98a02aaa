"""Who may call: each client's key as a file below the clients folder, and how much of it at once."""

from poolkeeper.api.pool_spec import Access
from poolkeeper.api.router_document import AccessDoc, ClientDoc
from poolkeeper.plan.endpoints import secret_source
from poolkeeper.plan.per_router_share import share


def access_doc(access: Access, among: int) -> AccessDoc:
    """among: how many routers share a client's connection limit."""
    if access.mode == "Open":
        return AccessDoc(mode="Open")
    clients = (
        ClientDoc(
            name=client.name,
            key_file=client.name,
            source=secret_source(client.key_ref.name, client.key_ref.key),
            priority=client.priority,
            max_connections=share(client.max_connections, among),
        )
        for client in access.clients
    )
    return AccessDoc(mode="Keys", clients=tuple(sorted(clients, key=lambda client: client.name)))
