"""One spelling for a value, so that equal content is equal bytes: the hash of those bytes is what triggers a roll-out.

Keys sorted, no spaces, no escapes for letters beyond ASCII. Lists keep their order, because it is meant (the first
model is the default).
"""

import hashlib
import json
from collections.abc import Mapping


def canonical_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of plain data, in hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def content_hash(document: Mapping[str, object]) -> str:
    """The hash of a router document: over everything but the hash itself and the generation that counts its changes."""
    return digest({key: value for key, value in document.items() if key not in ("hash", "generation")})
