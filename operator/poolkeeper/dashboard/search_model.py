"""What a search for requests answers: a document of its own, made only when somebody asks."""

from poolkeeper.api.base import Model


class AttemptDoc(Model):
    """start_ms: after the request's start. failure: its class; "": it gave the answer. answered_by: another model."""

    endpoint: str
    tier: int
    start_ms: int
    duration_ms: int
    first_token_ms: int | None
    status: int | None
    failure: str
    answered_by: str
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    currency: str


class FoundDoc(Model):
    """One request. also: what else was done for it, in words."""

    at: str
    request: str
    router: str
    client: str
    model: str
    status: int
    outcome: str
    duration_ms: int
    also: tuple[str, ...]
    attempts: tuple[AttemptDoc, ...]


class SearchDoc(Model):
    """found: the newest first. lines: that were looked at, of so many routers' logs. oldest: the time of the oldest
    request among them. is_cut: there are more than these. trouble: why there was no search; "": there was."""

    found: tuple[FoundDoc, ...] = ()
    routers: int = 0
    lines: int = 0
    oldest: str = ""
    is_cut: bool = False
    trouble: str = ""
