"""Where no connection may lead: this machine, this link, and where clouds keep their secrets.

One table for three readers: Python, the CRD (as CEL), and the routers, for whom `make generate` writes it as
router/lua/core/http/forbidden.lua. What is written in a manifest is judged when it is applied; what a name resolves to
is judged at every connect, because a DNS name can point anywhere.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

Kind = Literal["loopback", "unspecified", "link-local", "metadata", "multicast"]

FORBIDDEN_NETWORKS: Mapping[str, Kind] = {
    "127.0.0.0/8": "loopback",
    "::1/128": "loopback",
    "0.0.0.0/8": "unspecified",  # "this host": Linux connects it to loopback
    "169.254.0.0/16": "link-local",  # the metadata of most clouds, too
    "fe80::/10": "link-local",
    "fec0::/10": "link-local",  # site-local (RFC 3879): nobody's since 2004
    "100.100.100.200/32": "metadata",  # Alibaba Cloud
    "100.96.0.96/32": "metadata",  # Volcano Engine
    "168.63.129.16/32": "metadata",  # Azure: the host of a virtual machine
    "192.0.0.192/32": "metadata",  # Oracle Cloud
    "fd00:ec2::/32": "metadata",  # AWS: instance metadata, Pod identity
    "fd20:ce::254/128": "metadata",  # Google Cloud
    "fd00:c1::a9fe:a9fe/128": "metadata",  # Oracle Cloud
    "fd00:100::100:200/128": "metadata",  # Alibaba Cloud
    "fd00:42::42/128": "metadata",  # Scaleway
    "fd00:a9fe:a9fe::1/128": "metadata",  # Akamai (Linode)
    "64:ff9b:1::/48": "unspecified",  # NAT64 of somebody's own making (RFC 8215): which IPv4 it means, only they know
    "224.0.0.0/3": "multicast",  # reserved and broadcast, too
    "ff00::/8": "multicast",
}
EMBEDDING_NETWORKS = (
    "::ffff:0:0/96",  # mapped
    "::/96",  # compatible
    "::ffff:0:0:0/96",  # translated (RFC 2765)
    "64:ff9b::/96",  # NAT64
    "2002::/16",  # 6to4
)
"""IPv6 addresses that mean an IPv4 one, which stands right behind the prefix."""
FORBIDDEN_NAMES = (
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "metadata.packet.net",
    "api.metadata.cloud.ibm.com",
)
FORBIDDEN_DOMAINS = ("localhost",)
"""Names ending in one of these, after a dot."""

_NETWORKS = tuple((ip_network(network), kind) for network, kind in FORBIDDEN_NETWORKS.items())
_EMBEDDING = tuple(ip_network(network) for network in EMBEDDING_NETWORKS)


def kind_of(address: str) -> Kind | Literal["ordinary"] | None:
    """As the routers' core/http/address.lua; None: no IP address in its plain form."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return None
    embedded = _embedded(found)
    return _listed(found) or (_listed(embedded) if embedded else None) or "ordinary"


def may_connect(address: str, allow_loopback: bool) -> bool:
    kind = kind_of(address)
    return kind == "ordinary" or (allow_loopback and kind == "loopback")


def is_forbidden(host: str) -> bool:
    """May a `url` not name it? host: in lower case, an IPv6 address without brackets.

    Stricter than a connect: an IPv4 address written inside an IPv6 one has a plainer form, and two forms are one too
    many.
    """
    try:
        address = ip_address(host)
    except ValueError:
        name = host.removesuffix(".")
        inside = any(name.endswith(f".{domain}") for domain in FORBIDDEN_DOMAINS)
        return name in FORBIDDEN_NAMES or inside or ":" in host
    return kind_of(host) != "ordinary" or _embedded(address) is not None


def is_loopback(host: str) -> bool:
    """Loopback as `poolkeeper run` accepts it: by address or by the name every machine has for it."""
    try:
        return _listed(ip_address(host)) == "loopback"
    except ValueError:
        name = host.removesuffix(".")
        return name == "localhost" or name.endswith(".localhost")


def cel_is_allowed(host: str) -> str:
    """The CEL of `not is_forbidden(host)`; host: a CEL expression for it, in lower case.

    The API server's isIP takes no mapped address and no zone, so that one with them is a name with a colon.
    """
    networks = ", ".join(f"'{network}'" for network in (*FORBIDDEN_NETWORKS, *EMBEDDING_NETWORKS[1:]))
    names = "|".join(name.replace(".", "[.]") for name in FORBIDDEN_NAMES)
    domains = "|".join(domain.replace(".", "[.]") for domain in FORBIDDEN_DOMAINS)
    by_address = f"![{networks}].exists(network, cidr(network).containsIP({host}))"
    by_name = f"!{host}.contains(':') && !{host}.matches('^(({names})|.*[.]({domains}))[.]?$')"
    return f"isIP({host}) ? {by_address} : {by_name}"


def _listed(address: IPv4Address | IPv6Address) -> Kind | None:
    return next((kind for network, kind in _NETWORKS if address in network), None)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that it means."""
    for network in _EMBEDDING:
        if address in network:
            return IPv4Address((int(address) >> (96 - network.prefixlen)) & 0xFFFFFFFF)
    return None
