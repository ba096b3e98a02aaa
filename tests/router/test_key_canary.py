"""An endpoint that says back what it was sent, in every form: its key stays between the router and it."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from router.harness import PEER_RESET, Router, endpoint, policy
from testing import canary
from testing.fakes.rawprovider import RawProvider
from testing.key_echoes import ECHOES, IN_AN_ANSWER, KEY


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ECHOES)
def test_a_key_that_is_said_back_goes_nowhere(tmp_path: Path, name: str, stream: bool) -> None:
    with (
        RawProvider(lambda number, request: ECHOES[name]) as provider,
        Router(tmp_path, allowed_errors=PEER_RESET, environment={"POOLKEEPER_LOG_LEVEL": "notice"}) as router,
    ):
        router.write_key("a", KEY)
        router.serve(endpoint("a", port=provider.port), policy=policy(retry={"max_attempts": 1}))

        heard = router.ask(stream=stream)

        said = f"{heard.headers}{heard.text}"
        pages = "".join(router.client.get(f"{router.admin}{page}").text for page in ("/state", "/candidates"))
        kept = {
            "log": router.log(),
            "metrics": router.metrics(),
            "pages": pages,
            "requests": "\n".join(router.request_log()),
        }
        assert {where: found for where, text in kept.items() if (found := canary.forms_in(text, KEY))} == {}
        if name not in IN_AN_ANSWER:
            assert canary.forms_in(said, KEY) == []
        files = [file for file in (tmp_path / "run").rglob("*") if file.is_file() and not file.is_symlink()]
        assert [str(file) for file in files if canary.forms_in(file.read_bytes(), KEY)] == []


CALLERS: dict[str, Callable[[str], str]] = {
    "in the query, of a request that is cut": lambda key: (
        f"POST /v1/chat/completions?key={key} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{{"
    ),
    "in the query of another path": lambda key: f"GET /v1/none?key={key} HTTP/1.1\r\nHost: a\r\n\r\n",
    "in the path": lambda key: f"GET /{key} HTTP/1.1\r\nHost: a\r\n\r\n",
    "in a line that is no request": lambda key: f"{key} /v1\r\n\r\n",
    "in a header without a colon": lambda key: f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization Bearer {key}\r\n\r\n",
    "in a header with a blank before its colon": lambda key: (
        f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer {key}\r\n\r\n"
    ),
    "in a header with a NUL": lambda key: f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \0{key}\r\n\r\n",
    "in the host": lambda key: f"GET / HTTP/1.1\r\nHost: {key}\r\n\r\n",
    "in the second of two hosts": lambda key: f"GET / HTTP/1.1\r\nHost: a\r\nHost: {key}\r\n\r\n",
    "in a header that is too long": lambda key: (
        f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {key}{'x' * 40_000}\r\n\r\n"
    ),
}


"""Not among them: a key in the query of a request whose body nginx itself refuses. It quotes the line (SECURITY.md)."""


@pytest.mark.parametrize("level", ["warn", "notice"])
def test_a_callers_key_in_a_broken_request_goes_nowhere(tmp_path: Path, level: str) -> None:
    with (
        Router(tmp_path, allowed_errors="client|host|request", environment={"POOLKEEPER_LOG_LEVEL": level}) as router,
        RawProvider() as provider,
    ):
        router.serve(endpoint("a", port=provider.port))
        found = {}
        for number, (name, request) in enumerate(CALLERS.items()):
            key = f"ck-canary-{number}-51d0"
            with (
                socket.create_connection(("127.0.0.1", router.port), timeout=2) as client,
                contextlib.suppress(OSError),
            ):
                client.sendall(request(key).encode())
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            router.ask()
            said = router.log() + router.metrics() + "\n".join(router.request_log())
            if forms := canary.forms_in(said, key):
                found[name] = forms

        assert found == {}


def test_a_worker_that_dies_leaves_no_core(router: Router) -> None:
    limits = [Path(f"/proc/{pid}/limits").read_text() for pid in router.worker_pids()]

    assert [line.split()[4:6] for text in limits for line in text.splitlines() if "core file" in line] == [["0", "0"]]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_level_at_which_nginx_quotes_headers_is_refused(tmp_path: Path, level: str) -> None:
    router = Router(tmp_path, environment={"POOLKEEPER_LOG_LEVEL": level})

    with pytest.raises(AssertionError, match="wanted notice, warn, error or crit"):
        router.start()
