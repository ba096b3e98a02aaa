"""Errors, sorted by what the caller can do about them.

Adapters map every library error to one of these in one function each; nothing else is raised across a layer.
A message says what was seen, what was wanted and what to do.
"""


class PoolkeeperError(Exception):
    """Base of all errors that Poolkeeper raises on purpose."""


class RetryLater(PoolkeeperError):
    """The world was not ready (API server busy, time-out, conflict): the same call may work later.

    after_s: a server's own word on how long to wait (seconds), or None to use the caller's back-off.
    """

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Absent(RetryLater):
    """What was to be changed does not exist, or not any more: what is known of it is old."""


class Refused(PoolkeeperError):
    """The world said no and goes on saying no until somebody changes something (forbidden, invalid, another's object).

    reason: a condition reason of `poolkeeper.api.reasons` for the user.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UserError(PoolkeeperError):
    """What the user gave cannot be used: the command line prints the message and exits 1, without a traceback."""
