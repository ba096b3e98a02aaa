"""A name server for one host's addresses: in time, never, with errors, behind aliases."""

import socket
import struct
import threading
from contextlib import suppress

A, CNAME, AAAA = 1, 5, 28
Records = dict[int, list[str]]


class NameServer:
    """silent: the kinds of question that it never answers; failing: to which it says SERVFAIL.

    aliases: a chain of other names in front of the addresses. is_dead: it answers nothing any more.
    """

    def __init__(
        self,
        records: Records,
        silent: tuple[int, ...] = (),
        ttl_s: int = 1,
        failing: tuple[int, ...] = (),
        aliases: tuple[str, ...] = (),
    ) -> None:
        self._records, self._silent, self._ttl_s = records, silent, ttl_s
        self._failing, self._aliases = failing, aliases
        self.is_dead = False
        self.asked: list[int] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, name="name server", daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                query, peer = self._socket.recvfrom(4096)
                question = query[12 : query.index(b"\0", 12) + 5]
                kind = struct.unpack(">H", question[-4:-2])[0]
                self.asked.append(kind)
                if kind not in self._silent and not self.is_dead:
                    self._socket.sendto(self._answer(query[:2], question, kind), peer)

    def _answer(self, number: bytes, question: bytes, kind: int) -> bytes:
        if kind in self._failing:
            return number + struct.pack(">HHHHH", 0x8182, 1, 0, 0, 0) + question
        family = socket.AF_INET if kind == A else socket.AF_INET6
        records = [socket.inet_pton(family, ip) for ip in self._records.get(kind, [])]
        chain, owner = b"", b"\xc0\x0c"
        for alias in self._aliases:
            name = b"".join(bytes([len(label)]) + label.encode() for label in alias.split(".")) + b"\0"
            chain += owner + struct.pack(">HHIH", CNAME, 1, self._ttl_s, len(name)) + name
            owner = name
        count = len(records) + len(self._aliases)
        head = number + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) + question
        return (
            head
            + chain
            + b"".join(owner + struct.pack(">HHIH", kind, 1, self._ttl_s, len(raw)) + raw for raw in records)
        )
