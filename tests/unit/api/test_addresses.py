"""The vectors of tests/contract/router/addresses.json, which the routers' Lua reads, too."""

from contract.router import vectors
from poolkeeper.api.addresses import is_forbidden, is_loopback, kind_of, may_connect

VECTORS = vectors("addresses")
ADDRESSES = VECTORS["addresses"]


def test_every_address_is_what_the_router_says_it_is() -> None:
    assert ADDRESSES
    assert {case["address"]: kind_of(case["address"]) for case in ADDRESSES} == {
        case["address"]: case["kind"] for case in ADDRESSES
    }


def test_what_is_no_address_is_none_here_either() -> None:
    assert VECTORS["none"]
    assert [text for text in VECTORS["none"] if kind_of(text) is not None] == []


def test_a_url_may_name_what_is_ordinary_in_its_plainest_form() -> None:
    want = {case["address"]: case.get("url", case["kind"] == "ordinary") for case in ADDRESSES}

    assert {address: not is_forbidden(address.lower()) for address in want} == want


def test_a_connection_may_lead_to_what_is_ordinary_and_to_loopback_where_that_is_allowed() -> None:
    for case in ADDRESSES:
        assert may_connect(case["address"], False) == (case["kind"] == "ordinary"), case
        assert may_connect(case["address"], True) == (case["kind"] in ("ordinary", "loopback")), case


def test_run_accepts_loopback_only_in_its_plain_form() -> None:
    plain = {"127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"}

    assert {case["address"] for case in ADDRESSES if is_loopback(case["address"])} == plain
    assert is_loopback("api.localhost.")
    assert not is_loopback("localhost.example.com")


def test_names_that_mean_this_machine_or_a_cloud_s_secrets() -> None:
    for name in ("localhost", "localhost6", "x.localhost", "metadata.google.internal.", "metadata.tencentyun.com"):
        assert is_forbidden(name), name
    for name in ("api.deepseek.com", "localhost.example.com", "notlocalhost", "metadata.example.com"):
        assert not is_forbidden(name), name
