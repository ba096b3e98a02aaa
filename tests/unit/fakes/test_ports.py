"""Ports for processes that are started next."""

import socket
import sys
from pathlib import Path
from subprocess import PIPE, Popen

from testing.fakes.ports import SLICE, free_port

ROOT = Path(__file__).parents[3]
FIRST_OF_CONNECTIONS = 32_768
ANOTHER = "from testing.fakes.ports import SLICE, free_port; print(*{free_port() for _ in range(SLICE)}); input()"
"""A process that prints all its ports and keeps them until a line comes."""


def test_a_port_is_none_that_a_connection_may_get() -> None:
    assert all(1024 < free_port() < FIRST_OF_CONNECTIONS for _ in range(50))


def test_one_that_is_taken_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        assert taken.getsockname()[1] not in {free_port() for _ in range(2 * SLICE)}


def test_no_port_is_given_again_before_all_others_were() -> None:
    given = [free_port() for _ in range(SLICE // 2)]
    assert len(set(given)) == len(given)


def test_processes_side_by_side_are_given_different_ports() -> None:
    others = [Popen([sys.executable, "-c", ANOTHER], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) for _ in range(4)]
    given = [{free_port() for _ in range(SLICE)}]
    for other in others:
        assert other.stdout is not None
        given.append({int(port) for port in other.stdout.readline().split()})
    for other in others:
        other.communicate("\n")

    assert all(given)
    assert len(set().union(*given)) == sum(map(len, given))


def test_one_whose_connections_have_ended_is_given_again() -> None:
    """The side that closes first keeps its port for a minute, for late packets. Tests take a port more often."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)) as caller:
        served, _ = server.accept()
        served.close()
        assert caller.recv(1) == b""

    assert port in {free_port() for _ in range(SLICE)}
