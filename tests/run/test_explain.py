"""What a live run shows to people on call: one endpoint, and everything in one file."""

import tarfile
from pathlib import Path

from run.test_probe import NORMAL, probed
from testing.fakes.harness import FakeProvider
from testing.runs.running import Run, wait_until


def test_a_slow_endpoint_is_explained_by_its_phases(tmp_path: Path) -> None:
    with FakeProvider("slow", params=NORMAL) as slow, FakeProvider("good", params=NORMAL) as good:
        slow.play({"scenario": "slow15x", "params": NORMAL})
        with Run(tmp_path / "state", "-f", probed(tmp_path, slow, good)) as run:
            run.command("probe", "--now")
            assert "it has no effect until another run finds it" in run.command("explain", "chat", "slow")
            run.command("probe", "--now")
            wait_until(lambda: "Grey for" in run.command("explain", "chat", "slow"), "a probe status")
            shown = run.command("explain", "chat", "slow")

    for want in ("first token", "weight ", "two good runs in a row", "poolkeeper runbook SlowFirstToken"):
        assert want in shown


def test_an_open_breaker_is_explained_by_its_history(tmp_path: Path) -> None:
    with FakeProvider("bad") as bad, FakeProvider("good") as good:
        bad.set("error500")
        with Run(tmp_path / "state", "-f", probed(tmp_path, bad, good)) as run:

            def is_open() -> bool:
                run.ask("hello")
                return "its breaker opened" in run.command("explain", "chat", "bad")

            wait_until(is_open, "an open breaker")
            wait_until(lambda: "half-open requests" in run.command("explain", "chat", "bad"), "status")


def test_the_candidates_for_a_model_and_why_not_the_others(tmp_path: Path) -> None:
    with FakeProvider("bad") as bad, FakeProvider("good") as good:
        bad.set("busy503")
        with Run(tmp_path / "state", "-f", probed(tmp_path, bad, good)) as run:
            while not bad.log():
                assert run.ask("hello").headers["x-poolkeeper-endpoint"] == "good"
            model = str(run.router_state()["endpoints"][0]["models"][0]["name"])  # type: ignore[index]
            shown = run.command("explain", "chat", "--why", model)

    assert f"a chat request for {model} of any caller" in shown
    assert "it has a backoff: Busy" in shown
    assert "100%" in shown


def test_a_report_holds_what_the_router_says(tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    with FakeProvider("good") as good, Run(tmp_path / "state", "-f", probed(tmp_path, good)) as run:
        run.ask("hello")
        run.command("report", "chat", "-o", str(path))

    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        metrics = archive.extractfile("report/routers/local/metrics.txt")
        assert metrics is not None
        assert b"poolkeeper_requests_total" in metrics.read()
    assert {"status.txt", "explain/good.txt", "router.json", "routers/local/state.json"} <= names


def test_a_request_is_found_by_the_id_of_its_answer(tmp_path: Path) -> None:
    with FakeProvider("bad") as bad, FakeProvider("good") as good:
        bad.set("busy503")
        with Run(tmp_path / "state", "-f", probed(tmp_path, bad, good)) as run:
            request_id = run.ask("hello").headers["x-request-id"]

            log = tmp_path / "state" / "requests.log"
            wait_until(lambda: request_id in log.read_text(), "the request's line")
            found = run.command("explain", "chat", "--request", request_id)

    assert f"request {request_id} of default/chat" in found
    assert "by router this machine" in found
    assert "ok, status 200" in found
    assert "good (tier" in found
