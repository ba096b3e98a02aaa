"""Synthetic probes under `poolkeeper run`: a grey endpoint loses traffic, and is named, though no request failed."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from testing.fakes.harness import FakeProvider
from testing.runs.pools import QUICK, Given, pool, write
from testing.runs.running import Run, wait_until

PROBE = {"schedule": "0 0 1 1 *", "firstToken": "600ms", "requestsPerRun": 3, "dailyBudget": "1"}
"""By hand in these tests, so on schedule almost never."""
NORMAL = {"first_token_ms": 60.0, "tokens": 40}
"""A tenth of what is slow, which fifteen times as long is."""


def probed(folder: Path, *endpoints: FakeProvider, **more: object) -> Path:
    return with_probe(folder, pool([Given(fake) for fake in endpoints]), **more)


def with_probe(folder: Path, manifests: str, **more: object) -> Path:
    documents = list(yaml.safe_load_all(manifests))
    documents[0]["spec"]["probe"] = PROBE | more
    return write(folder / "pool.yaml", yaml.safe_dump_all(documents))


def endpoint(run: Run, name: str) -> dict[str, object]:
    endpoints = run.router_state()["endpoints"]
    assert isinstance(endpoints, list)
    found: dict[str, object] = next(one for one in endpoints if one["name"] == name)
    return found


def advice(run: Run, name: str) -> dict[str, object] | None:
    found = endpoint(run, name)["advice"]
    return found if isinstance(found, dict) else None


def traffic(run: Run, count: int = 60) -> Counter[str]:
    """Who answered. Every request must have been answered at the first attempt."""
    answers = [run.ask(f"question {number}") for number in range(count)]
    assert {(answer.status_code, answer.headers["x-poolkeeper-attempts"]) for answer in answers} == {(200, "1")}
    return Counter(answer.headers["x-poolkeeper-endpoint"] for answer in answers)


def test_a_slow_endpoint_loses_traffic_before_any_breaker_opens(tmp_path: Path) -> None:
    with FakeProvider("slow", params=NORMAL) as slow, FakeProvider("good", params=NORMAL) as good:
        manifest = probed(tmp_path, slow, good)
        with Run(tmp_path / "state", "-f", manifest) as run:
            assert "slow  good" in run.command("probe", "--now")
            assert advice(run, "slow") is None
            slow.play({"scenario": "slow15x", "params": NORMAL})
            assert "slow  SlowFirstToken (3/3)" in run.command("probe", "--now")
            run.command("probe", "--now")
            wait_until(lambda: advice(run, "slow") is not None, "advice at the router")
            found = endpoint(run, "slow")
            assert found["breaker"] == "Closed"
            assert (advice(run, "slow") or {})["weightPercent"] == 10
            assert "GreyFailure" in run.output
            slow.set("ok")
            assert traffic(run)["slow"] < 20


@pytest.mark.parametrize(
    ("scenario", "want"), [("empty_content", "EmptyAnswer"), ("insufficient_balance", "BalanceExhausted")]
)
def test_an_endpoint_that_gives_nothing_gets_nothing(scenario: str, want: str, tmp_path: Path) -> None:
    with (
        FakeProvider("grey") as grey,
        FakeProvider("good") as good,
        Run(tmp_path / "state", "-f", probed(tmp_path, grey, good)) as run,
    ):
        grey.set(scenario)
        run.command("probe", "--now")
        run.command("probe", "--now")
        wait_until(lambda: endpoint(run, "grey")["reason"] == want, f"{want} at the router")
        grey.set("ok")
        assert endpoint(run, "grey")["health"] == "Unhealthy"
        assert traffic(run, 20) == {"good": 20}

        run.command("probe", "--now")
        wait_until(lambda: advice(run, "grey") is None, "the advice to end")


def test_advice_against_everybody_is_not_taken(tmp_path: Path) -> None:
    with FakeProvider("only") as only, Run(tmp_path / "state", "-f", probed(tmp_path, only)) as run:
        only.set("empty_content")
        run.command("probe", "--now")
        run.command("probe", "--now")
        wait_until(lambda: advice(run, "only") is not None, "advice at the router")
        only.set("ok")

        assert traffic(run, 5) == {"only": 5}


def test_a_good_answer_lets_an_open_breaker_try_again_before_its_time(tmp_path: Path) -> None:
    later = QUICK | {"circuitBreaker": {"consecutiveFailures": 3, "recoveryTimeout": "30m", "maxRecoveryTimeout": "1h"}}
    with FakeProvider("main") as main, FakeProvider("other") as other:
        manifest = with_probe(tmp_path, pool([Given(main), Given(other, tier=1)], later))
        with Run(tmp_path / "state", "-f", manifest) as run:
            run.command("probe", "--now")
            main.set("error500")
            for number in range(3):
                run.ask(f"question {number}")
            assert endpoint(run, "main")["breaker"] == "Open"
            main.set("ok")

            run.command("probe", "--now")

            wait_until(lambda: endpoint(run, "main")["breaker"] == "HalfOpen", "the news to reach the router")
            assert run.ask("again").headers["x-poolkeeper-endpoint"] == "main"


@pytest.mark.slow
def test_the_schedule_is_kept_without_a_cluster(tmp_path: Path) -> None:
    with FakeProvider("only") as only, Run(tmp_path / "state", "-f", probed(tmp_path, only, schedule="* * * * *")):
        only.wait_for(lambda entries: any(entry.headers.get("x-poolkeeper-probe") for entry in entries), 75)
