"""How a document becomes what is served, and what becomes of running streams meanwhile."""

import json
import signal
import threading
from pathlib import Path

import pytest

from router.harness import PATIENCE_S, Router, endpoint, events, eventually, text_of
from testing import plain_http
from testing.fakes.harness import FakeProvider


class LongStream(threading.Thread):
    """A caller that reads a stream to its end."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router, self.text = router, ""
        self.started = threading.Event()

    def run(self) -> None:
        with self.router.stream(max_tokens=1_000) as answer:
            for part in answer.iter_text():
                self.text += part
                self.started.set()

    def is_whole(self) -> bool:
        self.join(PATIENCE_S)
        return events(self.text)[-1] == "[DONE]" and len(text_of(self.text)) > 0


def test_it_is_not_ready_before_its_first_document(router: Router, a: FakeProvider) -> None:
    assert plain_http.get(f"{router.admin}/readyz").status_code == 503
    assert plain_http.get(f"{router.admin}/healthz").status_code == 200
    assert router.ask().json()["error"]["code"] == "not_ready"
    assert not router.state().ready

    router.serve(endpoint("a", a))

    assert plain_http.get(f"{router.admin}/readyz").status_code == 200
    assert router.state().ready
    assert router.state().config_hash == "hash1"


@pytest.mark.smoke
def test_it_listens_on_both_families(tmp_path: Path) -> None:
    """As in a Pod, whose cluster may have either or both."""
    listen = {"POOLKEEPER_LISTEN": "*:0", "POOLKEEPER_ADMIN": "*:0"}
    router = Router(tmp_path, environment=listen)
    listen |= {"POOLKEEPER_LISTEN": f"*:{router.port}", "POOLKEEPER_ADMIN": f"*:{router.admin_port}"}
    with router:
        for host in ("127.0.0.1", "[::1]") if Path("/proc/net/if_inet6").exists() else ("127.0.0.1",):
            assert plain_http.get(f"http://{host}:{router.admin_port}/healthz").status_code == 200


def test_a_new_document_drops_no_stream(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("ok", tokens=40, token_interval_ms=25)
    router.serve(endpoint("a", a))
    running = LongStream(router)
    running.start()
    assert running.started.wait(PATIENCE_S)

    router.serve(endpoint("b", b))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
    assert running.is_whole()


@pytest.mark.parametrize(
    ("change", "want_message"),
    [
        (lambda value: value | {"format": 2}, "format: seen 2, wanted 1"),
        (lambda value: value | {"surprise": 1}, "surprise"),
        (lambda value: value | {"generation": 1}, "generation: seen 1, wanted at least 2"),
        (lambda value: value | {"models": []}, "models: wanted a list"),
        (lambda _: [], "format: seen nil"),
    ],
    ids=["format", "unknown member", "older generation", "no models", "no object"],
)
def test_a_bad_document_is_refused_and_the_last_good_one_serves(
    router: Router, a: FakeProvider, change: object, want_message: str
) -> None:
    router.serve(endpoint("a", a))
    router.serve(endpoint("a", a))
    value = json.loads(router.document(endpoint("a", a)).model_dump_json(by_alias=True))
    assert callable(change)

    router.write(json.dumps(change(value)))

    eventually(lambda: router.state().config.refused is not None, "the document is refused")
    refused = router.state().config.refused
    assert refused is not None
    assert want_message in refused.message
    assert router.ask().status_code == 200
    assert router.state().generation == 2

    router.serve(endpoint("a", a))
    assert router.state().config.refused is None


def test_the_last_good_document_serves_over_a_restart(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    router.write("{")
    eventually(lambda: router.state().config.refused is not None, "the document is refused")

    router.stop()
    router.start()

    assert router.ask().status_code == 200
    assert router.state().generation == 1
    assert router.state().config.refused is not None


def test_a_graceful_end_lets_a_stream_finish(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=40, token_interval_ms=25)
    router.serve(endpoint("a", a))
    running = LongStream(router)
    running.start()
    assert running.started.wait(PATIENCE_S)

    router.signal(signal.SIGQUIT)

    assert running.is_whole()
    assert router.wait_end() == 0


def test_a_key_file_that_changes_is_used_soon(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    router.ask()
    a.settings(keys=["sk-new"])

    router.write_key("a", "sk-new\n")

    eventually(lambda: router.ask().status_code == 200 and a.log()[-1].key == "sk-new", "the new key is used")
