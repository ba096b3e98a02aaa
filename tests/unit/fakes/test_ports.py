"""Ports for processes that are started next."""

import socket

from testing.fakes.ports import END, FIRST, free_port

FIRST_OF_CONNECTIONS = 32_768


def test_a_port_is_none_that_a_connection_may_get() -> None:
    assert all(1024 < free_port() < FIRST_OF_CONNECTIONS for _ in range(50))


def test_one_that_is_taken_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        assert taken.getsockname()[1] not in {free_port() for _ in range(END - FIRST)}


def test_no_port_is_given_twice() -> None:
    assert len({free_port() for _ in range(500)}) == 500
