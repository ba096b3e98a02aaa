"""Connect: no answer at all, not even a head."""

from collections.abc import Iterator

from testing.conformance.case import Case, Line, Play, Seen
from testing.conformance.table.rows import Fault, left_alone, nobody_left, passed_over, plays, wire

KLASS = "Connect"
RETRIED = Seen(1, 2)
"""A connection may have been one kept from before: asking once more on a fresh one is right."""

REFUSED = Fault(KLASS, "connect-refused", "connection refused", plays("refuse"), None)
CLOSED = Fault(KLASS, "connect-closed", "closed as soon as connected", plays("close_on_accept"), None)
RESET = Fault(KLASS, "connect-reset", "reset before headers", wire("reset_before_head"), RETRIED)
HALF = Fault(KLASS, "connect-half-head", "cut inside the headers", wire("half_a_head"), RETRIED)
NOT_HTTP = Fault(KLASS, "connect-not-http", "something that is not HTTP", wire("not_http"), RETRIED)
NO_NAME = Fault(KLASS, "connect-dns", "the host name does not exist", Play(line=Line.NO_SUCH_NAME), None)
TLS = Fault(KLASS, "connect-tls", "a certificate nobody vouches for", Play(line=Line.UNTRUSTED), Seen(0, 0))
DEAF = Fault(KLASS, "connect-timeout", "the connection is never made", Play(line=Line.DEAF), None)


def cases() -> Iterator[Case]:
    yield from passed_over(REFUSED, CLOSED, RESET, HALF, NOT_HTTP, NO_NAME, TLS, DEAF)
    yield from left_alone(RESET, Seen(3, 4))
    yield from nobody_left(REFUSED)
    yield from nobody_left(DEAF)
