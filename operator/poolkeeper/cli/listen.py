"""Addresses to listen on: read, made concrete, and found free before anything is started."""

import errno
import socket
from dataclasses import dataclass

from poolkeeper.errors import UserError


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable_ip(self) -> str:
        """Where this machine reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def is_everywhere(self) -> bool:
        return self.host in ("0.0.0.0", "::")

    @property
    def url(self) -> str:
        return f"http://{Address(self.reachable_ip, self.port)}"


def parse(option: str, text: str) -> Address:
    host, colon, port = text.rpartition(":")
    host = host.strip("[]") or "0.0.0.0"
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise UserError(f"{option}: seen {text!r}; wanted HOST:PORT, such as 127.0.0.1:8080 (port 0: any that is free)")
    return Address({"localhost": "127.0.0.1"}.get(host, host), int(port))


def claim(option: str, address: Address, taken: Address | None = None) -> Address:
    """The same with a real port. The router binds it a moment later; what is taken by then it says itself. taken: the
    address of another option, which needs one of its own."""
    if taken and address.port == taken.port != 0:
        raise UserError(f"{option} {address}: {taken} is the address for clients already; choose another port")
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
            return Address(address.host, int(probe.getsockname()[1]))
    except OSError as error:
        raise UserError(f"{option} {address}: {error.strerror}; {remedy(error, address)}") from None


def remedy(error: OSError, address: Address) -> str:
    if error.errno == errno.EACCES:
        return f"ports below 1024 are for root; choose a higher one, such as {Address(address.host, 8080)}"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; choose one of its own, such as 127.0.0.1"
    return "choose another address, or stop what uses it"
