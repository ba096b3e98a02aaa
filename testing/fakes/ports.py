"""A port to listen on, for a process that is started next.

Not one that the kernel names: those it also gives to connections, and whoever connects in between has taken it. Nor
one that was given before: the process that is to listen on it may not have begun to.
"""

import random
import socket
from contextlib import suppress
from itertools import count

FIRST, END = 20_000, 30_000
"""Below the ports of connections (Linux: from 32768) and those of a cluster's nodes (from 30000)."""
_NUMBERS = count(random.randrange(END - FIRST))
"""From anywhere, so that processes side by side are seldom at the same place."""


def free_port() -> int:
    while True:
        port = FIRST + next(_NUMBERS) % (END - FIRST)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
