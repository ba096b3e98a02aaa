"""Which hosts a `url` may never name: this machine, this link, and where clouds keep their secrets.

One table, read by Python and written into the CRD as CEL. It judges what is written; the router judges again what a
name resolved to when it connects, because a DNS name can point anywhere.
"""

from ipaddress import IPv6Address, ip_address, ip_network

FORBIDDEN_NETWORKS = (
    "0.0.0.0/8",  # "this host": Linux connects it to loopback
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, and the metadata address of most clouds
    "100.100.100.200/32",  # Alibaba Cloud metadata
    "168.63.129.16/32",  # Azure host
    "192.0.0.192/32",  # Oracle Cloud metadata
    "224.0.0.0/3",  # multicast, reserved, broadcast
    "::/96",  # unspecified, loopback, and IPv4 in its oldest disguise
    "64:ff9b::7f00:0/104",  # loopback and link-local through NAT64
    "64:ff9b::a9fe:0/112",
    "fe80::/10",
    "fd00:ec2::254/128",  # AWS metadata
    "fd20:ce::254/128",  # Google Cloud metadata
    "ff00::/8",
)
FORBIDDEN_NAMES = (
    "localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "ip6-loopback",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
)
FORBIDDEN_DOMAINS = ("localhost",)
"""Names ending in one of these, after a dot."""

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_NETWORKS = tuple(ip_network(network) for network in FORBIDDEN_NETWORKS)


def is_forbidden(host: str) -> bool:
    """host: in lower case, an IPv6 address without brackets."""
    name = host.removesuffix(".")
    try:
        address = ip_address(host)
    except ValueError:
        inside = any(name.endswith(f".{domain}") for domain in FORBIDDEN_DOMAINS)
        return name in FORBIDDEN_NAMES or inside or ":" in host
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.scope_id):
        return True  # the same address has a plainer form, and two forms are one too many
    return any(address in network for network in _NETWORKS)


def is_loopback(host: str) -> bool:
    """Loopback as `poolkeeper run` accepts it: by address or by the name every machine has for it."""
    name = host.removesuffix(".")
    try:
        address = ip_address(host)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return any(address in network for network in _LOOPBACK)


def cel_is_allowed(host: str) -> str:
    """The CEL of `not is_forbidden(host)`; host: a CEL expression for it, in lower case."""
    networks = ", ".join(f"'{network}'" for network in FORBIDDEN_NETWORKS)
    names = "|".join(name.replace(".", "[.]") for name in FORBIDDEN_NAMES)
    domains = "|".join(domain.replace(".", "[.]") for domain in FORBIDDEN_DOMAINS)
    by_address = f"![{networks}].exists(network, cidr(network).containsIP({host}))"
    by_name = f"!{host}.contains(':') && !{host}.matches('^(({names})|.*[.]({domains}))[.]?$')"
    return f"isIP({host}) ? {by_address} : {by_name}"
