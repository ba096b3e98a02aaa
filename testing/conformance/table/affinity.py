"""Affinity: a provider's prefix cache is used as if there were one endpoint, over failures and recoveries, and over
three routers that share nothing (gateways that need a service for that run as one).

The scripted providers cache prompts as DeepSeek does: from the start of the prompt, in whole messages, by account. Both
endpoints of a tier fail after a while, so the conversation fails over wherever it lives, and finds its way back. A miss
is allowed for each move; the last turns hit what they would hit without a gateway (95 % of that, judge.py).
tests/router/test_affinity.py plays many conversations at once.
"""

from collections.abc import Iterator

from testing.conformance.case import Case, Mode, Policy, Seen, Turn, When
from testing.conformance.table.rows import BOTH, script

KLASS = "Affinity"
BACKOFF_MS, RETRY_AFTER_S = 300, 1
QUICK = Policy(
    affinity="Prefix", recovery_timeout_ms=BACKOFF_MS, busy_backoff_ms=(BACKOFF_MS, BACKOFF_MS),
    first_token_ms=300, consecutive_failures=1,
)  # fmt: skip
STEADY = 4
FAULTS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("well", "nobody fails", "ok", {}),
    ("busy", "503 for a while", "busy503", {}),
    ("limited", "429 for a while", "rate_limit", {"retry_after_s": RETRY_AFTER_S}),
    ("error", "500 for a while", "error500", {}),
    ("hangs", "no head of an answer for a while", "hang_before_headers", {}),
    ("silent", "keep-alives without an answer for a while", "keepalive_forever", {}),
    ("cut", "answers that break off for a while", "cut", {"after_chunks": 3}),
)


def cases() -> Iterator[Case]:
    for slug, title, scenario, params in FAULTS:
        legs: tuple[tuple[str, int, dict[str, object]], ...] = (("ok", 3, {}), (scenario, 1, params), ("ok", 0, {}))
        play = script(*legs)
        plays = tuple(type(play)(play.plan, tier=0) for _ in range(2))
        for mode in BOTH if slug == "busy" else (Mode.STREAM,):
            yield Case(
                f"affinity-{slug}-{mode}", KLASS, f"a conversation of thirteen turns: {title}", mode, When.AGAIN, plays,
                (Seen(0, 15), Seen(0, 15)), turns(params), QUICK, talk=0 if slug == "well" else 4,
                steady=STEADY, routers=3,
            )  # fmt: skip


def turns(params: dict[str, object]) -> tuple[Turn, ...]:
    """The failure, then a pause in which every router's backoff ends, and all find back; then steady turns."""
    backoff_ms = RETRY_AFTER_S * 1000 if "retry_after_s" in params else BACKOFF_MS
    return (Turn(times=6, pause_ms=0), Turn(times=3, pause_ms=backoff_ms + 200), Turn(times=STEADY))
