"""A port to listen on, for a process that is started next.

Not one that the kernel names: those it also gives to connections, and a connection in between may have taken it. Nor
one that was given a moment ago, here or by another process of tests: whatever is to listen on it may not have begun to.
So each process has a slice of the ports to itself. It holds the first port of the slice as long as it lives, and that
keeps all others out of the rest.
"""

import os
import socket
from contextlib import suppress
from functools import cache

FIRST, END = 20_000, 30_000
"""Below the ports of connections (Linux: from 32768) and those of a cluster's nodes (from 30000)."""
SLICE = 200
HOST = "127.0.0.1"


def free_port() -> int:
    return _own().next_free()


class Slice:
    """Its ports in turn, so that one is given again only after all the others."""

    def __init__(self, holder: socket.socket) -> None:
        self._holder = holder
        self.first: int = holder.getsockname()[1]
        self._given = 0

    def next_free(self) -> int:
        for _ in range(SLICE):
            port = self.first + 1 + self._given % (SLICE - 1)
            self._given += 1
            with suppress(OSError):
                _bound(port, beside_ended=True).close()
                return port
        raise RuntimeError(f"all ports from {self.first} to {self.first + SLICE - 1} are taken")


@cache
def _own() -> Slice:
    """The first slice that nobody holds, from one that the process's id names: most find theirs at once."""
    slices = (END - FIRST) // SLICE
    for number in range(os.getpid(), os.getpid() + slices):
        with suppress(OSError):
            return Slice(_bound(FIRST + number % slices * SLICE))
    raise RuntimeError(f"{slices} processes hold a slice of the ports {FIRST} to {END}; wait until one has ended")


def _bound(port: int, *, beside_ended: bool = False) -> socket.socket:
    """A socket that has this port, and that no process started from here inherits. beside_ended: also where connections
    that have ended still wait for their last packets (a minute), as every server takes a port; else hardly any is free
    after a minute of short tests, and a test is given the last one twice."""
    holder = socket.socket()
    try:
        if beside_ended:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        raise
    return holder
