"""Every error of the Kubernetes API, sorted by what the caller can do: wait and try again, or report it to the user.

The reason of a Refused ends up in the pool's Programmed condition, its message beside it.
"""

import json

import aiohttp
from kubernetes.aio.client.exceptions import ApiException

from poolkeeper.errors import PoolkeeperError, Refused, RetryLater
from poolkeeper.kube.json_fields import natural, rows, text

MESSAGE_LIMIT_CHARS = 400
LONGEST_RETRY_AFTER_S = 60.0

_SAYS_NO = {400, 403, 405, 413, 415, 422}
"""The same request will be refused again: no permission, over quota, invalid, or turned down by an admission policy."""


_ENDING = "because it is being terminated"
_UNTYPED = "failed to create typed patch object"
"""How a server-side apply refuses a field that its schema does not know: with 500 (kubernetes/kubernetes#139253)."""


def sorted_error(error: ApiException | aiohttp.ClientError | TimeoutError, doing: str) -> PoolkeeperError:
    """The project's error for one of the client's; doing: what was tried ("applying Deployment default/chat")."""
    if not isinstance(error, ApiException):
        what = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return RetryLater(f"{doing}: the API server cannot be reached: {what}")
    status = _status(error)
    message = f"{doing}: {_said(error, status)}"
    says_no = error.status in _SAYS_NO or text(status, "message").startswith(_UNTYPED)
    if says_no and not _is_namespace_ending(status) and not _is_another_object(status):
        return Refused(message, reason="ApplyForbidden")
    return RetryLater(message, after_s=_retry_after_s(error))


def _status(error: ApiException) -> object:
    try:
        return json.loads(error.body or "null")
    except ValueError:
        return None  # a proxy in between answered in its own words


def _said(error: ApiException, status: object) -> str:
    said = text(status, "message") or str(error.reason or "no reason given")
    return f"{error.status}: {said[:MESSAGE_LIMIT_CHARS]}"


def _is_namespace_ending(status: object) -> bool:
    """A namespace on its way out forbids creation; its pools go with it in a moment, so there is nothing to report."""
    causes = (text(cause, "reason") for cause in rows(status, "details", "causes"))
    return "NamespaceTerminating" in causes or _ENDING in text(status, "message")


def _is_another_object(status: object) -> bool:
    """We named the uid we meant, and the name has been taken by another object since."""
    return any(text(cause, "field") == "metadata.uid" for cause in rows(status, "details", "causes"))


def _retry_after_s(error: ApiException) -> float | None:
    """No longer than we would wait ourselves: what stands between us and the API server may ask for a year."""
    value = natural((error.headers or {}).get("Retry-After", ""))
    return None if value is None else min(float(value), LONGEST_RETRY_AFTER_S)
