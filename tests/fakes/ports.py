"""A port to listen on, for a process that is started next.

Not one that the kernel names: those it also gives to connections, and whoever connects in between has taken it.
"""

import random
import socket
from contextlib import suppress

FIRST, END = 20_000, 30_000
"""Below the ports of connections (Linux: from 32768) and those of a cluster's nodes (from 30000)."""


def free_port() -> int:
    while True:
        port = random.randrange(FIRST, END)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
