"""What a single look says: a reason, or none when all is as it should be. window.py says when to believe it.

The checks are asked in order, and the first that has something to say is right. What the numbers are held against comes
from the pool's spec.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.model_names import is_same_model
from poolkeeper.probing.phases import Certificate, Ending, Exchange, Reach

RENEWAL_OVERDUE = timedelta(days=7)
LIFE_LEFT = 1 / 3
"""Certificates are renewed when about this much of their life is left: one that lives for six days is not overdue on
its first."""
ROUND_SECONDS = (15, 30, 45, 60, 90, 100, 120, 150, 180, 240, 300, 600)
"""Time limits that proxies, gateways and load balancers come with."""
ROUND_WITHIN_S = 0.7
BUFFERED_PIECES = 8
BUFFERED_WITHIN_MS = 5.0
BUFFERED_PIECE_MS = 0.4
"""No model writes faster: a stream whose content arrives so was not sent as it was made, ..."""
STALLED_PIECE_MS = 2.0
"""... unless we ourselves were kept from reading for as long as a model may take to make it."""
BUFFERED_FROM_MS = 100.0
"""What is there so soon may as well come in one piece."""
OWN_SERVERS: frozenset[Provider] = frozenset(
    {"VLLM", "SGLang", "Ollama", "LlamaCpp", "LMStudio", "Gateway", "Poolkeeper"}
)
"""They answer with the name of the loaded model, or of their own provider's, whatever was requested. A pool judges its
own endpoints."""


@dataclass(frozen=True)
class Asked:
    """What was asked of whom, and what is expected of the answer."""

    provider: Provider
    model: str
    first_token_ms: int
    min_tokens_per_second: int


def judge_reach(reach: Reach, now: datetime) -> ProbeReason | None:
    if reach.failed:
        return reach.failed
    return ProbeReason.CertificateExpiring if _is_overdue(reach.certificate, now) else None


def judge_exchange(seen: Exchange, asked: Asked) -> ProbeReason | None:
    return next((reason for check in _CHECKS if (reason := check(seen, asked))), None)


def _is_overdue(certificate: Certificate | None, now: datetime) -> bool:
    if certificate is None:
        return False
    left, life = certificate.ends - now, certificate.ends - certificate.begins
    return left < RENEWAL_OVERDUE and left < life * LIFE_LEFT


def _refused(seen: Exchange, _: Asked) -> ProbeReason | None:
    return seen.refused


def _silent(seen: Exchange, _: Asked) -> ProbeReason | None:
    if seen.first_content_ms is not None or seen.ending is not Ending.GAVE_UP:
        return None
    return ProbeReason.NoAnswer if seen.alive_ms is None else ProbeReason.KeepAliveOnly


def _cut(seen: Exchange, _: Asked) -> ProbeReason | None:
    if seen.ending is not Ending.CUT:
        return None
    past_s = (seen.ended_ms / 1000 - limit for limit in ROUND_SECONDS)
    if any(-0.1 <= past <= ROUND_WITHIN_S for past in past_s):
        return ProbeReason.CutAtRoundSeconds
    if seen.headers_ms is None:
        return ProbeReason.NoAnswer
    return ProbeReason.TruncatedStream if seen.pieces else ProbeReason.EmptyAnswer


def _invalid(seen: Exchange, _: Asked) -> ProbeReason | None:
    return ProbeReason.InvalidAnswer if seen.is_invalid else None


def _empty(seen: Exchange, _: Asked) -> ProbeReason | None:
    """Reasoning that ran into the limit of tokens is an answer as good as was asked for."""
    only_thought = seen.has_reasoning and seen.finish == "length"
    return ProbeReason.EmptyAnswer if not seen.has_text and not only_thought else None


def _slow_start(seen: Exchange, asked: Asked) -> ProbeReason | None:
    if seen.first_content_ms is None or seen.first_content_ms - seen.stalled_ms <= asked.first_token_ms:
        return None
    return ProbeReason.SlowFirstToken


def _slow_tokens(seen: Exchange, asked: Asked) -> ProbeReason | None:
    speed = seen.tokens_per_second
    return ProbeReason.SlowTokens if speed is not None and speed < asked.min_tokens_per_second else None


def _unfinished(seen: Exchange, _: Asked) -> ProbeReason | None:
    """It began, and did not end within the time there was: slower than any limit of tokens a second."""
    return ProbeReason.SlowTokens if seen.ending is Ending.GAVE_UP else None


def _wrong_model(seen: Exchange, asked: Asked) -> ProbeReason | None:
    if not seen.model or asked.provider in OWN_SERVERS or is_same_model(asked.model, seen.model):
        return None
    return ProbeReason.WrongModel


def _buffered(seen: Exchange, _: Asked) -> ProbeReason | None:
    if seen.first_content_ms is None or seen.last_content_ms is None or seen.pieces < BUFFERED_PIECES:
        return None
    limit_ms = max(BUFFERED_WITHIN_MS, seen.pieces * BUFFERED_PIECE_MS)
    at_once = seen.last_content_ms - seen.first_content_ms <= limit_ms
    is_ours = seen.stalled_ms >= seen.pieces * STALLED_PIECE_MS
    return ProbeReason.BufferedStream if at_once and not is_ours and seen.first_content_ms >= BUFFERED_FROM_MS else None


_CHECKS: tuple[Callable[[Exchange, Asked], ProbeReason | None], ...] = (
    _refused,
    _silent,
    _cut,
    _invalid,
    _empty,
    _slow_start,
    _unfinished,
    _slow_tokens,
    _wrong_model,
    _buffered,
)
