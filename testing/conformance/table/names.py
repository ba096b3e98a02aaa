"""Names and addresses: an address or a name server that fails costs no request, and no time that a caller notices."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Line, Policy, Turn, When, Whole, Zone, times
from testing.conformance.table.rows import BOTH, OK
from testing.fakes.nameserver import AAAA, A

KLASS = "Names and addresses"
HERE, REFUSING, SILENT, HERE_6, NOWHERE_6 = "127.0.0.1", "127.0.0.9", "192.0.2.1", "::ffff:127.0.0.1", "::1"
"""SILENT: an address for documentation (RFC 5737), from which nothing comes back."""
ZONES: tuple[tuple[str, str, Zone], ...] = (
    # wahern/dns#1: half of the addresses is known at once
    ("no-aaaa", "AAAA is never answered", Zone(a=(HERE,), silent=(AAAA,))),
    ("no-a", "A is never answered, AAAA is", Zone(aaaa=(HERE_6,), silent=(A,))),
    ("aaaa-fails", "AAAA fails", Zone(a=(HERE,), failing=(AAAA,))),
    ("a-fails", "A fails, AAAA is answered", Zone(aaaa=(HERE_6,), failing=(A,))),
    # dotnet/corefx, pull request 29792: the first of two servers is down
    ("refusing", "the first address of two refuses connections", Zone(a=(REFUSING, HERE))),
    # farion1231/cc-switch#5096: each request waits for a dead IPv6 address; tdryer/hangups#223
    ("refusing-6", "the IPv6 address refuses connections", Zone(a=(HERE,), aaaa=(NOWHERE_6,))),
    # processone/fluux-messenger, pull request 532; uptimepage/uptimepage#114: one address uses up the whole time
    (
        "many-refusing",
        "four addresses of five refuse",
        Zone(a=(REFUSING, "127.0.0.10", "127.0.0.11", "127.0.0.12", HERE)),
    ),
    ("alias", "behind an alias", Zone(a=(HERE,), aliases=("edge.cdn.test",))),
    ("aliases", "behind three aliases", Zone(a=(HERE,), aliases=("a.test", "b.cdn.test", "c.cdn.test"))),
    ("twice", "the same address twice", Zone(a=(HERE, HERE))),
)
BROKEN: tuple[tuple[str, str, Zone], ...] = (
    ("none", "the name has no address", Zone()),
    ("fails", "both questions fail", Zone(a=(HERE,), aaaa=(HERE_6,), failing=(A, AAAA))),
    ("all-refuse", "all addresses refuse", Zone(a=(REFUSING, "127.0.0.10"))),
)
NAMED = replace(OK, line=Line.NAMED)
SOON = Turn(Whole(within_ms=1000))
"""Less than the time for a connection: nothing was waited for."""


def cases() -> Iterator[Case]:
    for mode in BOTH:
        for slug, title, zone in ZONES:
            first = Case(
                f"name-{slug}-{mode}", KLASS, title, mode, When.FIRST, (NAMED, OK), (ONCE, NEVER), (SOON,),
                Policy(connect_ms=1500), zone=zone,
            )  # fmt: skip
            yield first
            if slug in ("no-aaaa", "refusing", "refusing-6"):
                yield replace(
                    first, name=f"name-{slug}-again-{mode}", when=When.AGAIN, seen=(times(4), NEVER),
                    turns=(replace(SOON, times=4),),
                )  # fmt: skip
        for slug, title, zone in BROKEN:
            yield Case(
                f"name-{slug}-{mode}", KLASS, f"{title}: the next endpoint", mode, When.FIRST, (NAMED, OK),
                (NEVER, ONCE), zone=zone,
            )  # fmt: skip
