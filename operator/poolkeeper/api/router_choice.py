"""What a router says of a choice (GET /candidates on its admin port): the endpoints as a request would find them now.

The words and their meanings are the router's (router/lua/core/balancing/exclusion.lua): the header x-poolkeeper-debug
uses the same. Written by router/lua/nginx/candidates_page.lua.
"""

from pydantic import Field

from poolkeeper.api.foreign_values import Count, Figure, Line, Name, Tier
from poolkeeper.api.router_state import MOST_ENDPOINTS, MOST_KEYS, Heard


class KeyChoice(Heard):
    """One of several API keys that is left out. key: its place in the list, from 1."""

    key: Count = 0
    excluded: Name = ""
    because: Name = ""


class EndpointChoice(Heard):
    """excluded: why it gets no such request now, "" of one whose turn it is; because: what was seen, in one word.
    weight, in_flight and limit only of candidates."""

    name: Name
    tier: Tier = 0
    weight: Figure | None = None
    in_flight: Count | None = None
    limit: Count | None = None
    excluded: Name = ""
    because: Name = ""
    meaning: Line = ""
    keys_left_out: tuple[KeyChoice, ...] = Field((), max_length=MOST_KEYS)


class RouterChoice(Heard):
    """problem: why the router cannot say. is_allowed: may the client request the model?"""

    problem: Line = ""
    is_allowed: bool = True
    endpoints: tuple[EndpointChoice, ...] = Field((), max_length=MOST_ENDPOINTS)
