"""The body of a server-side apply as the API server reads it: as YAML, though what we send is JSON.

YAML has no surrogates, so a character beyond U+FFFF stands for itself: go-yaml refuses the two escapes that JSON has
for it ("invalid Unicode character escape code"). Some characters that JSON lets pass raw are the break of a line to
YAML, or refused; those are escaped.
"""

import json
import re

from poolkeeper.plan.snapshot import Manifest

CONTENT_TYPE = "application/apply-patch+yaml; charset=utf-8"
"""With the charset: the client library escapes everything itself where it finds the bare type."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def apply_body(body: Manifest) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    escaped = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return escaped.encode("utf-8", "replace")
