"""The prober's Python and the router's Lua make the same of every address, and of everything that looks like one."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from poolkeeper.api.addresses import EMBEDDING_NETWORKS, FORBIDDEN_NETWORKS, is_forbidden, kind_of
from testing.router_lua import runtime

lua_kind = cast(Callable[[bytes], bytes | None], runtime().eval('require("core.http.address").kind'))
NETWORKS = [ip_network(network) for network in (*FORBIDDEN_NETWORKS, *EMBEDDING_NETWORKS)]
EMBEDDING = [ip_network(network) for network in EMBEDDING_NETWORKS]


@st.composite
def near_a_network(draw: st.DrawFn) -> int:
    """Inside, or as far outside as one bit carries."""
    network = draw(st.sampled_from(NETWORKS))
    address = int(network.network_address) | draw(st.integers(0, int(network.hostmask)))
    flipped = draw(st.none() | st.integers(0, network.max_prefixlen - 1))
    return address if flipped is None else address ^ (1 << flipped)


@st.composite
def embedded(draw: st.DrawFn) -> int:
    """An IPv6 address with an IPv4 one in it."""
    network = draw(st.sampled_from(EMBEDDING))
    return int(network.network_address) | draw(quads) << (96 - network.prefixlen)


any_quad = st.integers(0, (1 << 32) - 1)
quads = any_quad | near_a_network().filter(lambda number: number < 1 << 32)
numbers = st.integers(0, (1 << 128) - 1) | near_a_network() | embedded()


@st.composite
def written(draw: st.DrawFn) -> str:
    """An address in one of its notations."""
    number = draw(quads | numbers)
    if number < 1 << 32 and draw(st.booleans()):
        return str(IPv4Address(number))
    address = IPv6Address(number)
    dotted = f"{IPv6Address(number >> 32 << 32).exploded.rsplit(':', 2)[0]}:{IPv4Address(number & 0xFFFFFFFF)}"
    text = draw(st.sampled_from([str(address), address.exploded, dotted]))
    return text.upper() if draw(st.booleans()) else text


@st.composite
def garbled(draw: st.DrawFn) -> str:
    """One that somebody mistyped."""
    text, at = draw(written()), draw(st.integers(0, 40))
    return text[:at] + draw(st.text("0123456789abcdefg:.%[] ", max_size=3)) + text[at + draw(st.integers(0, 2)) :]


def in_lua(text: str) -> str | None:
    kind = lua_kind(text.encode())
    return kind.decode() if kind else None


@given(written())
def test_both_languages_know_every_address(text: str) -> None:
    assert kind_of(text) is not None
    assert in_lua(text) == kind_of(text)


@given(garbled() | st.text(max_size=12))
def test_both_languages_take_the_same_for_none(text: str) -> None:
    assert in_lua(text) == kind_of(text)


@given(written())
def test_no_url_may_name_what_no_connection_may_lead_to(text: str) -> None:
    assert is_forbidden(text.lower()) or kind_of(text) == "ordinary"
