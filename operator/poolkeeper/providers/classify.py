"""What a provider's refusal means: status and body in, a class of the design's table out.

The rules are data (error_rules.py); the order is provider, common, status. router/lua/core/error/classify.lua is this
function again, held to the same vectors (tests/contract/router) and, by property, to the same result for anything that
comes. How long to wait is no part of it: only a router sets a backoff.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from poolkeeper.api.endpoint import Provider
from poolkeeper.providers.error_body import Words, words_of
from poolkeeper.providers.error_rule import REQUESTS_OWN, OutcomeClass, Rule
from poolkeeper.providers.error_rules import COMMON, PROVIDERS, STATUS, STATUS_FAMILY, WORD_STATUS

LOOKED_AT_BYTES = 65536
LIMIT_MAX_DIGITS = 6
INSIDE_AN_ANSWER = 400
"""The status whose rules read an error inside a 200 that none of 200's own rules know."""
_LIMIT = re.compile(rb"concurrency limit of ([0-9]+)")
_STATUS_CODE = re.compile(rb"[45][0-9][0-9]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """status: what a caller would receive, never 200. limit: a connection limit that the provider names."""

    outcome: OutcomeClass
    reason: str
    status: int
    limit: int | None = None


def refusal(status: int, body: bytes, provider: Provider) -> Refusal:
    """What an answer means that is no success: of another status than 200, or of 200 with an error in it."""
    text = body[:LOOKED_AT_BYTES].lower()
    words = words_of(text)
    seen = _effective_status(status, words)
    rule = (
        _first_fitting(PROVIDERS.get(provider, ()), seen, words, text)
        or _first_fitting(COMMON, seen, words, text)
        or (_first_fitting(COMMON, INSIDE_AN_ANSWER, words, text) if seen == 200 and _has_words(words) else None)
    )
    meaning = rule.meaning if rule else STATUS.get(seen) or STATUS_FAMILY.get(seen // 100) or STATUS_FAMILY[5]
    limit = _limit_in(words.message) if meaning.outcome == "RateLimited" else None
    return Refusal(meaning.outcome, meaning.reason, _status_for_caller(seen, meaning.outcome), limit)


def _has_words(words: Words) -> bool:
    return words.message != b"" and not words.message.startswith(b"<")


def _status_for_caller(seen: int, outcome: OutcomeClass) -> int:
    """A caller's own fault in a status that clients try again on (429, 5xx) would be sent again as it is."""
    is_tried_again = seen == 429 or seen >= 500
    return 400 if seen == 200 or (is_tried_again and outcome in REQUESTS_OWN) else seen


def _effective_status(status: int, words: Words) -> int:
    """An error inside a 200 may say which status it would have been, as a number or as a word."""
    if status != 200:
        return status
    if _STATUS_CODE.fullmatch(words.code):
        return int(words.code)
    return WORD_STATUS.get((words.type or words.code).decode("latin-1"), status)


def _limit_in(message: bytes) -> int | None:
    found = _LIMIT.search(message)
    return int(found.group(1)) if found and len(found.group(1)) <= LIMIT_MAX_DIGITS else None


def _first_fitting(rules: Iterable[Rule], status: int, words: Words, text: bytes) -> Rule | None:
    return next((rule for rule in rules if _fits(rule, status, words, text)), None)


def _fits(rule: Rule, status: int, words: Words, text: bytes) -> bool:
    return (
        (rule.status is None or status == rule.status or (isinstance(rule.status, tuple) and status in rule.status))
        and (rule.code is None or rule.code.encode() == words.code)
        and (rule.type is None or rule.type.encode() == words.type)
        and (rule.starts is None or words.message.startswith(rule.starts.encode()))
        and (rule.says is None or _has_all(words.own, rule.says))
        and (rule.has is None or _has_all(text, rule.has))
    )


def _has_all(text: bytes, words: str | tuple[str, ...]) -> bool:
    return all(word.encode() in text for word in ((words,) if isinstance(words, str) else words))
