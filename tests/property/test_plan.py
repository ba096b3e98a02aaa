"""What holds for every plan."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from factories import LOCAL, NOW, OFFICIAL, document, endpoint, pool, serving, snapshot, state
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.plan.hashing import canonical_json, content_hash
from poolkeeper.plan.per_router_share import share
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Live, LivePod, Snapshot
from poolkeeper.render.desired import desired

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@st.composite
def pools(draw: st.DrawFn) -> EndpointPool:
    models = draw(st.lists(st.text("abcdef/-:.", min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
    endpoints = [
        endpoint(
            name,
            tier=draw(st.integers(0, 3)),
            weight=draw(st.integers(0, 1000)),
            maxConnections=draw(st.integers(1, 200)),
            **draw(st.sampled_from([{}, {"credentialsRef": {"name": "s", "key": "k"}}])),
        )
        for name in draw(st.lists(names, min_size=1, max_size=5, unique=True))
    ]
    return pool(endpoints, models=models, router={"replicas": draw(st.integers(0, 6))})


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """At any point of its life: nothing there yet, or an older document at the routers, or in the ConfigMap."""
    fresh = snapshot(draw(pools()))
    generations = st.integers(0, 2**40)
    planned = document(fresh)
    at_routers = [
        state(
            planned.model_copy(
                update={"generation": draw(generations), "hash": draw(st.sampled_from(["0", planned.hash]))}
            )
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    of = serving(fresh, *at_routers) if at_routers else fresh
    live_hash = draw(st.sampled_from(["", "0", planned.hash]))
    return replace(of, live=replace(of.live, document_generation=draw(generations), document_hash=live_hash))


@given(snapshots())
def test_a_plan_is_a_function_of_its_snapshot(of: Snapshot) -> None:
    assert resolve(of, NOW) == resolve(replace(of), NOW)


@given(snapshots())
def test_generations_never_go_back(of: Snapshot) -> None:
    highest_seen = max(
        [of.live.document_generation, *(report.state.generation for report in of.reports if report.state)]
    )
    planned = document(of)

    assert planned.generation >= max(1, highest_seen)
    assert planned.generation > highest_seen or planned.hash == of.live.document_hash


@given(snapshots())
def test_planning_settles(of: Snapshot) -> None:
    """What was planned, once applied, is planned again, whatever was there before."""
    planned = document(of)
    applied = replace(of.live, document_generation=planned.generation, document_hash=planned.hash)

    assert document(replace(of, live=applied)) == planned


@given(snapshots())
def test_the_hash_is_over_everything_but_news(of: Snapshot) -> None:
    planned = document(of)

    assert planned.hash == content_hash(planned.model_dump(mode="json", by_alias=True, exclude={"outages", "answered"}))


def turned(value: object) -> object:
    """The same value, its members put in the other way round."""
    if isinstance(value, Mapping):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda kids: st.lists(kids) | st.dictionaries(st.text(), kids))
)
def test_the_order_of_members_changes_no_byte(value: object) -> None:
    assert canonical_json(turned(value)) == canonical_json(value)


@given(st.permutations([OFFICIAL, LOCAL, endpoint("third"), endpoint("fourth", tier=1)]))
def test_the_order_of_endpoints_changes_no_byte(endpoints: list[dict[str, object]]) -> None:
    of = snapshot(pool(endpoints))
    usual = snapshot(pool([OFFICIAL, LOCAL, endpoint("third"), endpoint("fourth", tier=1)]))

    assert canonical_json(list(desired(of, document(of)))) == canonical_json(list(desired(usual, document(usual))))


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_shares_never_exceed_the_ceiling(ceiling: int, routers: int) -> None:
    assert share(ceiling, routers) >= 1
    assert share(ceiling, routers) * routers <= max(ceiling, routers)


@given(pools(), st.lists(st.booleans(), max_size=8))
def test_all_pods_together_stay_below_the_ceiling(declared: EndpointPool, ending: list[bool]) -> None:
    pods = tuple(LivePod(f"p{index}", "10.0.0.1", True, is_ending, 1) for index, is_ending in enumerate(ending))
    of = replace(snapshot(declared), live=Live(pods=pods))
    sending = ending.count(False)
    ceilings = {str(one.name): one.max_connections for one in declared.spec.endpoints}

    for one in document(of).endpoints:
        assert one.max_connections * sending <= max(ceilings[one.name], sending)
