"""The startup hints in a router document: they expire, and are not part of its hash.

An outage is no roll-out: a hint does not change the configuration that a router serves.
"""

from pydantic import ConfigDict, ValidationError

from poolkeeper.api.base import Model


class OutageDoc(Model):
    """What is out: one model of an endpoint (its breaker is open), or all of it where model is "" (its key is refused,
    or its balance is spent). reason: in a word."""

    endpoint: str
    fingerprint: str
    model: str
    reason: str


class OutagesDoc(Model):
    """What the routers that run say is out, for one that has just started; told_at_ms, since 1970, because old news is
    none."""

    told_at_ms: int
    endpoints: tuple[OutageDoc, ...]


class AnsweredDoc(Model):
    """A probe of this model that began then (milliseconds since 1970) was answered well, for routers whose breaker was
    open by that time."""

    endpoint: str
    fingerprint: str
    model: str
    probed_at_ms: int


class News(Model):
    """What the operator reads back of a document, so that it writes each hint once."""

    model_config = ConfigDict(extra="ignore")

    outages: OutagesDoc | None = None
    answered: tuple[AnsweredDoc, ...] = ()


NO_NEWS = News()


def news_in(router_json: str) -> News:
    """NO_NEWS where it cannot be read: it is nobody's document, or another version's."""
    try:
        return News.model_validate_json(router_json)
    except ValidationError:
        return NO_NEWS
