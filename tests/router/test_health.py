"""Health checks by the running router, with short intervals."""

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from poolkeeper.api.router_document import EndpointDoc, PolicyDoc
from router.harness import PEER_RESET, STAYS_OPEN, Router, endpoint, eventually, policy, tls
from scrape import total
from testing.fakes.deepseek.ask import Surface
from testing.fakes.harness import FakeProvider
from testing.fakes.tls import shared_authority

INTERVAL_MS = 200
AUTO: Mapping[str, object] = {"type": "Auto", "interval_ms": INTERVAL_MS}


def checked(kind: str = "Auto", **parts: Mapping[str, object]) -> PolicyDoc:
    given = parts.pop("health_check", {})
    return policy(health_check={**AUTO, "type": kind, **given}, **parts)


def health_of(router: Router, name: str) -> tuple[str, str]:
    seen = router.endpoint(name)
    return seen.health, seen.reason


def wait_until(router: Router, name: str, health: str, reason: str) -> None:
    eventually(lambda: health_of(router, name) == (health, reason), f"{name} is {health}: {reason}")


def wait_checks(fake: FakeProvider, count: int) -> None:
    seen = fake.stats().last_seq
    eventually(lambda: len(fake.checks(since=seen)) >= count, f"{count} more checks of {fake.name}")


def takes_nobody(router: Router) -> bool:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", router.port)):
        return False
    return True


def story(router: Router) -> list[tuple[str, str, str, str]]:
    return [(change.endpoint, change.from_, change.to, change.reason) for change in router.state().transitions]


class TestWhatIsAsked:
    ASKED: Mapping[str, tuple[str, str, list[tuple[str, str]]]] = {
        "DeepSeek: the balance beside /v1, and its models": (
            "Auto",
            "DeepSeek",
            [("GET", "/user/balance"), ("GET", "/v1/models")],
        ),
        "OpenRouter: the key": ("Auto", "OpenRouter", [("GET", "/v1/key")]),
        "vLLM: its health beside /v1, and what asks for a key": (
            "Auto",
            "VLLM",
            [("GET", "/health"), ("GET", "/v1/models")],
        ),
        "llama.cpp: its health, and what asks for a key": ("Auto", "LlamaCpp", [("GET", "/health"), ("GET", "/props")]),
        "Ollama: what lies on its disk": ("Auto", "Ollama", [("GET", "/api/tags")]),
        "all others: their models": ("Auto", "OpenAI", [("GET", "/v1/models")]),
        "Models: everybody's models": ("Models", "VLLM", [("GET", "/v1/models")]),
    }

    @pytest.mark.parametrize(("kind", "provider", "want"), ASKED.values(), ids=ASKED.keys())
    def test_for_free(
        self, router: Router, a: FakeProvider, kind: str, provider: str, want: list[tuple[str, str]]
    ) -> None:
        a.settings(models=["deepseek-v4-pro"])
        router.serve(endpoint("a", a, provider=provider), policy=checked(kind))

        wait_until(router, "a", "Healthy", "Healthy")

        asked = a.checks()[: len(want)]
        assert [(one.method, one.path) for one in asked] == want
        assert {one.key for one in asked} == {"sk-a"}
        assert a.requests() == []

    def test_one_token_only_where_the_policy_says_so(self, router: Router, a: FakeProvider) -> None:
        router.serve(endpoint("a", a), policy=checked("Completion"))

        wait_until(router, "a", "Healthy", "Healthy")

        asked = a.requests()[0]
        assert (asked.path, asked.model) == ("/v1/chat/completions", "deepseek-v4-pro")
        assert asked.headers["x-poolkeeper-check"] == "completion"
        assert asked.body is not None and '"max_tokens":1,' in asked.body
        assert total(router.metrics(), "poolkeeper_requests_total") == 0
        assert total(router.metrics(), "poolkeeper_attempts_total") == 0

    def test_only_a_connection_under_tcp(self, router: Router, a: FakeProvider) -> None:
        router.serve(endpoint("a", a), policy=checked("TCP"))
        wait_until(router, "a", "Healthy", "Healthy")

        a.set("refuse")

        wait_until(router, "a", "Unhealthy", "HealthCheckFailed")
        assert a.log() == []

    def test_nothing_under_none(self, router: Router, a: FakeProvider, b: FakeProvider) -> None:
        router.serve(endpoint("a", a), endpoint("b", b, mode="Draining"), policy=checked("Auto"))
        wait_checks(a, 1)

        router.serve(endpoint("a", a), endpoint("b", b, mode="Draining"), policy=checked("None"))

        assert health_of(router, "a") == ("Unknown", "NoDataYet")
        seen = len(a.checks())
        time.sleep(3 * INTERVAL_MS / 1000)
        assert len(a.checks()) <= seen + 2  # one check may have been under way
        assert b.log() == []

    def test_over_tls_with_the_name_that_requests_use(self, tmp_path: Path) -> None:
        with (
            FakeProvider("a", keys=["sk-a"], tls_names=["provider.test"]) as a,
            Router(tmp_path, allowed_errors=PEER_RESET, authority=a.ca_file) as router,
        ):
            router.serve(endpoint("a", a, **tls("provider.test")), policy=checked())
            wait_until(router, "a", "Healthy", "Healthy")

            assert {one.sni for one in a.checks()} == {"provider.test"}

    @pytest.mark.parametrize("check", ["Auto", "TCP"])
    def test_an_expired_certificate_and_a_name_that_is_gone_are_called_so(self, tmp_path: Path, check: str) -> None:
        authority = shared_authority()
        expired = authority.issue("provider.test", expired=True)
        with (
            FakeProvider("a", certificate=expired) as a,
            Router(tmp_path, authority=authority.certificate.cert) as router,
        ):
            gone = endpoint("b", host="nosuch.invalid", port=443, scheme="http")
            router.serve(endpoint("a", a, **tls("provider.test")), gone, policy=checked(check))
            for name, want in (("a", "CertificateInvalid"), ("b", "DnsFailed")):
                wait_until(router, name, "Unhealthy", "HealthCheckFailed")
                check_state = router.endpoint(name).health_check
                assert check_state is not None
                assert check_state.last_failure is not None
                assert check_state.last_failure.result == want
                assert f'endpoint="{name}",result="{want}"}}' in router.metrics()


class TestOutAndBack:
    BAD: Mapping[str, tuple[str, list[str], Mapping[str, object], str, str]] = {
        "still loading": ("busy503", ["health"], {"message": "Loading model"}, "LlamaCpp", "BadStatus"),
        "no answer": ("hang_before_headers", ["models"], {}, "OpenAI", "TimedOut"),
        "no JSON": ("error502", ["models"], {"status": 200}, "OpenAI", "BadAnswer"),
        "nobody listens": ("refuse", [], {}, "OpenAI", "ConnectFailed"),
        "cut": ("cut", ["models"], {"after_chunks": 0}, "OpenAI", "Truncated"),
    }

    @pytest.mark.parametrize(("scenario", "surfaces", "dials", "provider", "want_result"), BAD.values(), ids=BAD.keys())
    def test_bad_checks_in_a_row(
        self,
        router: Router,
        a: FakeProvider,
        b: FakeProvider,
        scenario: str,
        surfaces: list[str],
        dials: dict[str, object],
        provider: str,
        want_result: str,
    ) -> None:
        quick = checked(health_check={"timeout_ms": 300})
        router.serve(endpoint("a", a, provider=provider), endpoint("b", b, tier=1), policy=quick)
        wait_until(router, "a", "Healthy", "Healthy")

        a.set(scenario, surfaces=surfaces, **dials)
        wait_until(router, "a", "Unhealthy", "HealthCheckFailed")

        assert router.state().active_tier == 1
        asked = len(a.requests())
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
        assert len(a.requests()) == asked
        assert f'poolkeeper_health_checks_total{{endpoint="a",result="{want_result}"}}' in router.metrics()
        assert router.endpoint("a").breaker == "Closed"

        a.set("ok")
        wait_until(router, "a", "Healthy", "Healthy")
        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
        assert story(router) == [
            ("a", "InService", "OutOfService", "HealthCheckFailed"),
            ("a", "OutOfService", "InService", "HealthCheckPassed"),
        ]

    def test_fewer_than_the_threshold_change_nothing(self, router: Router, a: FakeProvider) -> None:
        a.play({"script": [{"scenario": "busy503", "requests": 1}, {"scenario": "ok", "requests": 1}],
                "repeat": True, "surfaces": ["models"]})  # fmt: skip
        router.serve(endpoint("a", a, provider="OpenAI"), policy=checked())

        wait_checks(a, 6)

        assert health_of(router, "a") == ("Healthy", "Healthy")
        assert story(router) == []

    def test_who_does_not_serve_what_is_asked_still_answers(self, router: Router, a: FakeProvider) -> None:
        router.serve(endpoint("a", a, provider="OpenAI", path="/elsewhere"), policy=checked())

        wait_until(router, "a", "Healthy", "Healthy")

        assert 'result="Answered"' in router.metrics()

    def test_when_all_fail_their_checks_they_are_tried_all_the_same(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        for fake in (a, b):
            fake.set("busy503", surfaces=["models", "balance"])
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked())
        wait_until(router, "a", "Unhealthy", "HealthCheckFailed")
        wait_until(router, "b", "Unhealthy", "HealthCheckFailed")

        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
        assert router.state().active_tier == 0

    def test_an_edited_endpoint_starts_afresh(self, router: Router, a: FakeProvider) -> None:
        a.set("busy503", surfaces=["models", "balance"])
        router.serve(endpoint("a", a), policy=checked())
        wait_until(router, "a", "Unhealthy", "HealthCheckFailed")

        router.serve(endpoint("a", a, fingerprint="another"), policy=checked(health_check={"interval_ms": 60_000}))

        assert health_of(router, "a") == ("Unknown", "NoDataYet")

    def test_an_endpoint_that_is_gone_is_not_checked_any_more(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        router.serve(endpoint("a", a), endpoint("b", b), policy=checked())
        wait_checks(a, 1)

        router.serve(endpoint("b", b), policy=checked())
        wait_checks(b, 2)
        seen = len(a.checks())
        wait_checks(b, 4)

        assert len(a.checks()) == seen


class TestKeysAndMoney:
    def test_a_refused_key_is_out_at_once_and_comes_back_when_a_check_proves_it(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.settings(keys=["sk-other"])
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked())
        wait_until(router, "a", "Unhealthy", "CredentialsRejected")
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

        a.settings(keys=["sk-a"])

        wait_until(router, "a", "Healthy", "Healthy")
        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
        assert story(router) == [
            ("a", "InService", "OutOfService", "CredentialsRejected"),
            ("a", "OutOfService", "InService", "HealthCheckPassed"),
        ]

    def test_a_request_that_was_refused_by_a_hiccup_is_mended_by_checks(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.set("auth")
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked())
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
        a.set("ok")

        wait_until(router, "a", "Healthy", "Healthy")

        eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "the check has proved the key")

    @pytest.mark.parametrize("provider", ["VLLM", "SGLang", "LlamaCpp"])
    def test_a_wrong_key_is_seen_where_the_health_is_open_to_anybody(
        self, router: Router, a: FakeProvider, provider: str
    ) -> None:
        a.settings(keys=["sk-other"])
        router.serve(endpoint("a", a, provider=provider), policy=checked())

        wait_until(router, "a", "Unhealthy", "CredentialsRejected")

    def test_a_list_of_models_does_not_prove_the_key_that_a_request_saw_refused(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.set("auth")
        router.serve(endpoint("a", a, provider="OpenAI"), endpoint("b", b, tier=1), policy=checked())
        for seed in range(3):
            assert router.ask(seed=seed).headers["x-poolkeeper-endpoint"] == "b"

        wait_checks(a, 4)

        assert health_of(router, "a") == ("Unhealthy", "CredentialsRejected")

    @pytest.mark.parametrize("provider", ["DeepSeek", "OpenRouter"])
    def test_an_empty_account_is_out_before_a_request_meets_it(
        self, router: Router, a: FakeProvider, b: FakeProvider, provider: str
    ) -> None:
        a.set("insufficient_balance", surfaces=["balance", "key"])
        router.serve(endpoint("a", a, provider=provider), endpoint("b", b, tier=1), policy=checked())
        wait_until(router, "a", "Unhealthy", "BalanceExhausted")
        since = router.endpoint("a").since

        wait_checks(a, 3)
        assert router.endpoint("a").since == since
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
        assert a.requests() == []

        a.set("ok")
        wait_until(router, "a", "Healthy", "Healthy")
        assert [change[3] for change in story(router)] == ["BalanceExhausted", "HealthCheckPassed"]

    def test_what_is_left_on_an_account_is_what_its_last_check_said(self, router: Router, a: FakeProvider) -> None:
        def left() -> float | None:
            found = re.search(
                r'^poolkeeper_endpoint_balance\{endpoint="a",currency="CNY"\} (\S+)', router.metrics(), re.M
            )
            return float(found[1]) if found else None

        router.serve(endpoint("a", a), policy=checked())
        eventually(lambda: left() == 110, "what the account has")

        a.set("insufficient_balance", surfaces=["balance"])
        eventually(lambda: left() == 0, "nothing")

    def test_a_key_that_may_not_list_models_may_still_be_good(self, router: Router, a: FakeProvider) -> None:
        a.set("auth", surfaces=["models"], status=403)
        router.serve(endpoint("a", a, provider="OpenAI"), policy=checked())

        wait_until(router, "a", "Healthy", "Healthy")

    def test_a_model_that_ollama_does_not_have_is_not_asked_of_it(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.settings(models=["deepseek-flash"])
        router.serve(endpoint("a", a, provider="Ollama"), endpoint("b", b, tier=1), policy=checked())
        wait_checks(a, 2)
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
        assert a.requests() == []

        a.settings(models=["deepseek-v4-pro"])

        eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "the pulled model is used")


class TestBreakers:
    def test_an_open_circuit_without_traffic_is_half_open_after_its_time(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.set("error500")
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked())
        for _ in range(2):  # each asks it once more
            router.ask()
        assert ("a", "Closed", "Open") in [change[:3] for change in story(router)]
        a.set("ok")

        wait_until(router, "a", "Unknown", "AwaitingTraffic")

        assert router.endpoint("a").breaker == "HalfOpen"
        assert router.state().active_tier == 0
        assert ("a", "Open", "HalfOpen", "HealthCheckPassed") in story(router)
        eventually(
            lambda: router.ask().status_code == 200 and router.endpoint("a").breaker == "Closed",
            "real traffic closes it",
        )

    def test_checks_that_passed_all_the_while_do_not_shorten_it(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.set("error500")
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked(circuit_breaker=STAYS_OPEN))
        for _ in range(3):
            router.ask()

        wait_checks(a, 8)

        assert router.endpoint("a").breaker == "Open"
        assert len(a.requests()) == 3

    def test_checks_that_saw_the_trouble_too_do(self, router: Router, a: FakeProvider, b: FakeProvider) -> None:
        a.set("refuse")
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked(circuit_breaker=STAYS_OPEN))
        for _ in range(3):
            router.ask()
        eventually(lambda: story(router)[-1][3] == "HealthCheckFailed", "checks fail, too")
        assert router.endpoint("a").breaker == "Open"

        a.set("ok")

        wait_until(router, "a", "Unknown", "AwaitingTraffic")
        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"

    def test_a_pause_that_the_provider_asked_for_is_kept(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        a.set("rate_limit", retry_after_s=60)
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked())
        router.ask()
        seen = len(a.checks())

        wait_checks(b, 4)

        assert health_of(router, "a") == ("Unhealthy", "RateLimited")
        assert len(a.checks()) <= seen + 2  # one check may have been under way
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"


class TestTraffic:
    def test_good_answers_spare_checks(self, router: Router, a: FakeProvider, b: FakeProvider) -> None:
        slow = checked(health_check={"interval_ms": 1_000})
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=slow)
        router.ask()

        def is_spared() -> bool:
            router.ask()
            return 'poolkeeper_health_checks_total{endpoint="a",result="Spared"} 3' in router.metrics()

        eventually(is_spared, "three checks of a are spared")

        assert a.checks() == []
        assert b.checks() != []
        assert health_of(router, "a") == ("Healthy", "Healthy")

    def test_a_hanging_check_delays_no_request_and_takes_no_slot(self, router: Router, a: FakeProvider) -> None:
        a.set("hang_before_headers", surfaces=["models"])
        patient = checked("Models", health_check={"timeout_ms": 60_000})
        router.serve(endpoint("a", a, max_connections=1), policy=patient)
        eventually(lambda: a.checks() != [], "the check is there")

        assert router.endpoint("a").in_flight == 0
        assert router.ask().status_code == 200

    def test_a_router_that_drains_checks_nothing_any_more(self, router: Router, a: FakeProvider) -> None:
        a.set("ok", token_interval_ms=100, tokens=60)
        router.serve(endpoint("a", a, provider="OpenAI"), policy=checked())
        with router.stream() as response:
            lines = response.iter_lines()
            next(lines)
            wait_checks(a, 1)
            router.signal(signal.SIGQUIT)
            eventually(lambda: takes_nobody(router), "it drains")
            seen = len(a.checks())
            time.sleep(5 * INTERVAL_MS / 1000)
            assert len(a.checks()) <= seen + 1  # one check may have been under way
            assert "data: [DONE]" in list(lines)
        router.wait_end()


class TestOneProber:
    @pytest.fixture
    def many(self, tmp_path: Path) -> Iterator[Router]:
        with Router(tmp_path, workers=4, allowed_errors=rf"{PEER_RESET}|exited on signal 9") as running:
            yield running

    def test_over_all_workers(self, many: Router, a: FakeProvider) -> None:
        many.serve(endpoint("a", a, provider="OpenAI"), policy=checked(health_check={"interval_ms": 300}))

        wait_checks(a, 12)

        times = [one.started_monotonic_s for one in a.checks()]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) > 0.1, gaps
        assert {one.surface for one in a.checks()} == {Surface.MODELS}

    def test_goes_on_in_another_worker_when_its_own_dies(self, many: Router, a: FakeProvider) -> None:
        many.serve(endpoint("a", a, provider="OpenAI"), policy=checked())
        for pid in many.worker_pids():
            wait_checks(a, 1)
            os.kill(pid, signal.SIGKILL)

        wait_checks(a, 3)

        assert health_of(many, "a") == ("Healthy", "Healthy")
        assert len(re.findall("exited on signal 9", many.log())) == 4

    def test_checks_of_many_endpoints_do_not_start_together(self, router: Router, a: FakeProvider) -> None:
        def one(number: int) -> EndpointDoc:
            credential = {"file": "a", "source": "Secret keys, key a"}
            return endpoint(f"a{number}", a, provider="OpenAI", credential=credential)

        router.write_key("a", "sk-a")
        router.serve(*(one(number) for number in range(16)), policy=checked(health_check={"interval_ms": 2_000}))

        wait_checks(a, 16)

        times = sorted(entry.started_monotonic_s for entry in a.checks()[:16])
        assert times[-1] - times[0] > 0.5


class TestModelGone:
    def test_an_endpoint_whose_only_model_is_gone_says_so_and_one_that_has_another_serves_that(
        self, router: Router, a: FakeProvider, b: FakeProvider
    ) -> None:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=checked("None"))
        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
        a.set("model_missing")
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

        assert health_of(router, "a") == ("Unhealthy", "ModelMissing")
        assert health_of(router, "b") == ("Healthy", "Healthy")
        assert router.state().active_tier == 1
        assert router.endpoint("a").retry_at is not None
        assert 'poolkeeper_endpoint_health{endpoint="a"} 0' in router.metrics()
