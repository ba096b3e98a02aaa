"""Data goes only where the pool's data policy, its client and the endpoint itself allow it, whatever way it takes.

From manifest to decision: the operator plans the document, the router's Lua prepares it and decides. The test
decides once more, from the manifest alone, what is allowed.
"""

import json
from collections.abc import Mapping
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from factories import document, endpoint, pool, snapshot
from poolkeeper.api.endpoint_pool import EndpointPool
from testing.lua_calls import function, table

MODELS = ("m0", "m1", "m2")
WORDS = ("NoTraining", "NoRetention", "Hipaa")
REGIONS = ("eu", "us")
FEATURES = {"Tools": "tools", "Vision": "images"}
REQUESTS = 1_000
EXAMPLES = 100

WALK = function(
    """function(older, newer, requests, seed)
         local route = require "core.request.route"
         local places = require("core.request.surface_support").of
         local surfaces = { { name = "chat" }, { name = "messages" }, { name = "responses" } }
         local function random(n)
           seed = (seed * 1103515245 + 12345) % 2147483648
           return math.floor(seed / 65536) % n + 1
         end
         local function prepared(doc)
           route.prepare_endpoints(doc)
           for _, endpoint in ipairs(doc.endpoints) do
             endpoint.places, endpoint.routes = places(endpoint.provider, endpoint.path), {}
             for _, model in ipairs(endpoint.models) do
               endpoint.routes[model.name] = model
             end
           end
           for _, client in ipairs(doc.access.clients) do
             route.prepare(client)
           end
           return doc
         end
         local function draw(of, chance, ...)
           local found = {}
           for i = 1, select("#", ...) do
             if random(chance) == 1 then found[#found + 1] = (select(i, ...)) end
           end
           return found
         end
         local met = {} -- "when client model features endpoint" -> how often
         local count = 0
         -- one more attempt, hedge or continuation: to any endpoint with a way that is not excluded
         local function attempt(request, excluded, when)
           local ways = {}
           for _, endpoint in ipairs(request.doc.endpoints) do
             if not excluded[endpoint.name] and route.of(request, endpoint) then ways[#ways + 1] = endpoint end
           end
           local chosen = ways[1] and ways[random(#ways)]
           if chosen then
             excluded[chosen.name] = random(3) > 1 and true or nil -- it may be tried once more
             local key = table.concat({ when, request.client.name, request.model, request.asks, chosen.name }, " ")
             met[key] = (met[key] or 0) + 1
           end
         end
         local doc = prepared(older)
         for n = 1, requests do
           local client = doc.access.clients[random(#doc.access.clients)]
           local model = doc.models[random(#doc.models)]
           if not client.may_ask or client.may_ask[model] then
             count = count + 1
             local features = draw(nil, 3, "tools", "images")
             local request = { doc = doc, client = client, model = model, surface = surfaces[random(3)],
                               asks = "[" .. table.concat(features, ",") .. "]",
                               barred = route.barred(doc.endpoints, client, features) }
             local excluded, when = {}, "older"
             for step = 1, random(8) do
               if random(6) == 1 and when == "older" then -- another document comes meanwhile
                 when = "newer"
                 route.renew(doc, prepared(newer))
               elseif random(6) == 1 then -- the fallback model
                 local lesser = doc.models[random(#doc.models)]
                 if not client.may_ask or client.may_ask[lesser] then
                   request.model, excluded = lesser, {}
                 end
               end
               attempt(request, excluded, when)
             end
             doc = when == "newer" and prepared(older) or doc
           end
         end
         return met, count
       end"""
)

words = st.lists(st.sampled_from(WORDS), unique=True)
policies = st.fixed_dictionaries(
    {
        "require": st.lists(st.sampled_from(WORDS), unique=True, max_size=2),
        "regions": st.sampled_from([[], [], ["eu"], ["eu", "us"]]),
    }
)
endpoints = st.lists(
    st.fixed_dictionaries(
        {
            "guarantees": words,
            "region": st.sampled_from(["", *REGIONS]),
            "lacks": st.lists(st.sampled_from(sorted(FEATURES)), unique=True),
            "provider": st.sampled_from(["DeepSeek", "OpenAI", "VLLM"]),
            "models": st.lists(st.sampled_from(MODELS), unique=True).map(
                lambda names: [{"name": name} for name in names]
            ),
        }
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def clients(draw: st.DrawFn, of: list[Mapping[str, object]]) -> list[dict[str, object]]:
    names = [f"e{number}" for number in range(len(of))]
    regions = sorted({str(one["region"]) for one in of} - {""})
    return [
        {
            "name": f"c{number}",
            "keyRef": {"name": "clients", "key": f"c{number}"},
            "allow": {
                "models": draw(st.lists(st.sampled_from(MODELS), unique=True)),
                "endpoints": draw(st.lists(st.sampled_from(names), unique=True)),
                "regions": draw(st.lists(st.sampled_from(regions), unique=True)) if regions else [],
            },
        }
        for number in range(2)
    ]


def permits(policy: Mapping[str, list[str]], one: Mapping[str, object]) -> bool:
    has = set(policy["require"]) <= set(cast(list[str], one["guarantees"]))
    return has and (not policy["regions"] or one["region"] in policy["regions"])


def allows(allow: Mapping[str, list[str]], name: str, one: Mapping[str, object], model: str) -> bool:
    named = not allow["endpoints"] or name in allow["endpoints"]
    return (
        named
        and (not allow["regions"] or one["region"] in allow["regions"])
        and (not allow["models"] or model in allow["models"])
    )


def as_table(of: EndpointPool) -> object:
    return table(json.loads(document(snapshot(of)).model_dump_json()))


@pytest.mark.slow
@settings(max_examples=EXAMPLES, phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data(), endpoints, policies, policies, st.integers(1, 2**31))
def test_no_request_meets_an_endpoint_that_must_not_have_it(
    data: st.DataObject,
    declared: list[Mapping[str, object]],
    before: Mapping[str, list[str]],
    after: Mapping[str, list[str]],
    seed: int,
) -> None:
    callers = data.draw(clients(declared))
    named = {f"e{number}": one for number, one in enumerate(declared)}
    pools = [
        pool(
            [endpoint(name, **one) for name, one in named.items()],
            models=list(MODELS), access={"mode": "Keys", "clients": callers}, dataPolicy=policy,
        )
        for policy in (before, after)
    ]  # fmt: skip

    met, count = cast(tuple[Mapping[str, int], int], WALK(*map(as_table, pools), REQUESTS, seed))

    allow = {str(one["name"]): cast(Mapping[str, list[str]], one["allow"]) for one in callers}
    for key in met:
        when, client, model, asks, name = key.split(" ")
        one = named[name]
        assert permits(before, one), (key, "under the policy it began by")
        assert when == "older" or permits(after, one), (key, "under the policy that came meanwhile")
        assert allows(allow[client], name, one, model), key
        assert not {FEATURES[word] for word in cast(list[str], one["lacks"])} & set(asks.strip("[]").split(",")), key
    assert count <= REQUESTS


def test_where_nothing_is_demanded_every_endpoint_meets_requests() -> None:
    """The walk of above does reach endpoints, by every way that is open."""
    open_to_all = pool(
        [endpoint("e0", provider="OpenAI"), endpoint("e1")],
        models=list(MODELS),
        access={"mode": "Keys", "clients": [{"name": "c0", "keyRef": {"name": "clients", "key": "c0"}}]},
    )

    met, count = cast(tuple[Mapping[str, int], int], WALK(as_table(open_to_all), as_table(open_to_all), REQUESTS, 7))

    assert count == REQUESTS
    assert {tuple(key.split(" ")[::4]) for key in met} == {
        (when, name) for when in ("older", "newer") for name in ("e0", "e1")
    }
