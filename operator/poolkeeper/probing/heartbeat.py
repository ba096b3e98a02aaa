"""Data that only say "I am still here": a word, or the time of day, where other servers send a comment.

The routers' core/answer/heartbeat.lua; tests/contract/router/events.json holds both.
"""

import re

_LONGEST_BYTES = 64
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[t ][\d:.+z-]+")
_WORDS = frozenset(
    {"", "null", "ping", "pong", "keep-alive", "keepalive", "keep_alive", "heartbeat", "alive", "processing"}
    | {"openrouter processing"}
)


def is_heartbeat(data: str) -> bool:
    if len(data.encode()) > _LONGEST_BYTES:
        return False
    word = data.lstrip(' \t\n\v\f\r":').rstrip(' \t\n\v\f\r"').lower()
    return word in _WORDS or _TIME.fullmatch(word) is not None
