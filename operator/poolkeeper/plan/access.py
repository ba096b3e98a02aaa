"""Who may call: each client's key as a file below the clients folder."""

from poolkeeper.api.poolspec import Access
from poolkeeper.api.routerdoc import AccessDoc, ClientDoc
from poolkeeper.plan.endpoints import secret_source


def access_doc(access: Access) -> AccessDoc:
    if access.mode == "Open":
        return AccessDoc(mode="Open")
    clients = (
        ClientDoc(name=client.name, key_file=client.name, source=secret_source(client.key_ref.name, client.key_ref.key))
        for client in access.clients
    )
    return AccessDoc(mode="Keys", clients=tuple(sorted(clients, key=lambda client: client.name)))
