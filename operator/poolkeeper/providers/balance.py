"""The page on which a provider says whether an account has money left: whose, where, and what it says.

As /user/balance in the routers' core/health/check_types.lua, by tests/contract/router/balance.json.
"""

import json
import re
from collections.abc import Mapping

from poolkeeper.api.endpoint import Provider

HAVE_A_PAGE: frozenset[Provider] = frozenset({"DeepSeek"})


def page_path(endpoint_path: str) -> str:
    """The API lies below /v1 or /beta, the page beside them."""
    return re.sub(r"/(v[0-9]+|beta)$", "", endpoint_path) + "/user/balance"


def is_spent(page: bytes) -> bool:
    """True only when the page says so itself; anything else says nothing."""
    try:
        value = json.loads(page)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, Mapping) and value.get("is_available") is False
