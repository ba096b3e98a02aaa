"""Addresses: what is accepted, and that a taken one is found before anything starts."""

import errno
import socket

import pytest

from poolkeeper.cli.listen import Address, claim, parse, remedy
from poolkeeper.errors import UserError


@pytest.mark.parametrize(
    ("text", "want", "want_url"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("localhost:8080", Address("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        (":8080", Address("0.0.0.0", 8080), "http://127.0.0.1:8080"),
        ("[::1]:8080", Address("::1", 8080), "http://[::1]:8080"),
    ],
)
def test_an_address(text: str, want: Address, want_url: str) -> None:
    assert parse("--listen", text) == want
    assert want.url == want_url


@pytest.mark.parametrize("text", ["", "8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536"])
def test_an_unreadable_address_says_what_is_wanted(text: str) -> None:
    with pytest.raises(UserError, match=r"--listen: seen .*; wanted HOST:PORT"):
        parse("--listen", text)


def test_a_taken_address_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(UserError, match=r"--admin 127.0.0.1:.*in use"):
            claim("--admin", Address("127.0.0.1", taken.getsockname()[1]))


def test_port_0_becomes_a_free_one() -> None:
    assert claim("--listen", Address("127.0.0.1", 0)).port > 0


def test_clients_and_the_admin_page_need_two_addresses() -> None:
    client = claim("--listen", parse("--listen", "127.0.0.1:0"))

    with pytest.raises(UserError, match=f"--admin {client}: {client} is the address for clients already"):
        claim("--admin", client, taken=client)


REMEDIES = [(errno.EACCES, "for root"), (errno.EADDRNOTAVAIL, "no such address"), (errno.EADDRINUSE, "stop what uses")]


@pytest.mark.parametrize(("number", "want"), REMEDIES)
def test_what_to_do_about_an_address(number: int, want: str) -> None:
    assert want in remedy(OSError(number, ""), Address("127.0.0.1", 80))
