"""The page's search for requests: one at a time, over the request logs of the routers, with the viewer's permissions.

It reads logs only when somebody asks: a look every other second never does.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from threading import Lock

from poolkeeper.api.request_line import AttemptLine
from poolkeeper.dashboard.search_model import AttemptDoc, FoundDoc, SearchDoc
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.diagnostics.request_log import Found
from poolkeeper.diagnostics.request_search import Query, Searched, search
from poolkeeper.errors import PoolkeeperError, Refused

LONGEST = 253
WANTS = "it wants pods/log: get (the chart's page: dashboard.requestSearch)"


class RequestSearch:
    """targets: the pools that the page shows. Made where the command has chosen its cluster: threads of the server do
    not know the choice."""

    def __init__(
        self, targets: Callable[[], Sequence[Target]], find: Callable[[Target, Query], Searched] = search
    ) -> None:
        self._targets = targets
        self._find = find
        self._context = copy_context()
        self._turn = Lock()

    def answer(self, asked: Mapping[str, str]) -> bytes:
        """asked: pool, request, client, endpoint, outcome."""
        if not self._turn.acquire(blocking=False):
            return _said(SearchDoc(trouble="another search is under way; try again when it has ended"))
        try:
            return _said(self._context.copy().run(self._searched, asked))
        finally:
            self._turn.release()

    def _searched(self, asked: Mapping[str, str]) -> SearchDoc:
        words = {name: asked.get(name, "")[:LONGEST].strip() for name in ("request", "client", "endpoint", "outcome")}
        try:
            known = {target.name: target for target in self._targets()}
            target = known.get(asked.get("pool", ""))
            if target is None:
                return SearchDoc(trouble=f"there is no such pool; the pools are: {', '.join(known) or 'none'}")
            return search_doc(self._find(target, Query(**words)))
        except Refused as error:
            return SearchDoc(trouble=f"the logs cannot be read: {error}; {WANTS}")
        except PoolkeeperError as error:
            return SearchDoc(trouble=str(error))


def search_doc(seen: Searched) -> SearchDoc:
    return SearchDoc(
        found=tuple(map(_found, seen.found)),
        routers=seen.routers,
        lines=seen.lines,
        oldest=seen.oldest,
        is_cut=seen.is_cut,
    )


def _found(one: Found) -> FoundDoc:
    line = one.line
    also = (
        f"first content after {line.first_token_ms} ms" if line.first_token_ms is not None else "",
        f"waited {line.queued_ms} ms in the queue" if line.queued_ms else "",
        f"fallback: {line.fallback}" if line.fallback else "",
        f"changed for the provider: {line.repaired}" if line.repaired else "",
        f"{line.trimmed_turns} turns left out" if line.trimmed_turns else "",
        f"continued: {line.continued}" if line.continued else "",
    )
    return FoundDoc(
        at=line.time,
        request=line.request,
        router=one.router,
        client=line.client,
        model=line.model,
        status=line.status,
        outcome=line.outcome,
        duration_ms=line.duration_ms,
        also=tuple(filter(None, also)),
        attempts=tuple(map(_attempt, line.attempts)),
    )


def _attempt(one: AttemptLine) -> AttemptDoc:
    return AttemptDoc(
        endpoint=one.endpoint,
        tier=one.tier,
        start_ms=one.start_ms,
        duration_ms=one.duration_ms,
        first_token_ms=one.first_token_ms,
        status=one.status,
        failure=one.class_,
        answered_by=one.answered_by,
        tokens_in=one.tokens.input if one.tokens else None,
        tokens_out=one.tokens.output if one.tokens else None,
        cost=one.cost,
        currency=one.currency,
    )


def _said(doc: SearchDoc) -> bytes:
    return doc.model_dump_json(by_alias=True).encode()
