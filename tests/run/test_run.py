"""`poolkeeper run` as a user has it: a process, files, signals, and clients that stream."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml

from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.local import router_log
from poolkeeper.local.run_record import PoolRecord
from testing import plain_http
from testing.fakes.deepseek.log import Outcome
from testing.fakes.harness import FakeProvider
from testing.fakes.tls import Authority
from testing.runs.pools import KEY, QUICK, Given, config_map, pool, secret, write
from testing.runs.running import PATIENCE_S, Run, chunks, wait_until

LONG_CHUNKS = 60


def speaks_long(fake: FakeProvider) -> None:
    """An answer of three seconds: long enough to have things happen in the middle of it."""
    fake.set("ok", tokens=LONG_CHUNKS, token_interval_ms=50.0)


def test_it_says_ready_and_serves(manifests: Path, state: Path, official: FakeProvider) -> None:
    with Run(state, "-f", manifests) as run:
        answer = run.ask()

        assert answer.status_code == 200, answer.text
        assert answer.headers["x-poolkeeper-endpoint"] == "official"
        assert chunks(list(run.stream())) == 16
        assert "curl -N" in run.output
        assert {entry.key for entry in official.log()} == {KEY}


def test_it_says_when_everybody_may_use_it(manifests: Path, state: Path) -> None:
    with Run(state, "-f", manifests) as alone:
        assert "open to every machine" not in alone.output
    with Run(state, "-f", manifests, "--listen", ":0") as shared:
        said = shared.wait_for("is open to every machine that reaches this one")
    assert "use 127.0.0.1:" in said and "spec.access.mode: Keys" in said


def test_the_routers_log_does_not_grow_for_ever(manifests: Path, state: Path) -> None:
    log = state / "router.log"

    with Run(state, "-f", manifests) as run:
        with log.open("ab") as nonsense:
            nonsense.truncate(router_log.LIMIT_BYTES + 1)

        wait_until(lambda: log.stat().st_size < router_log.LIMIT_BYTES, "a log within its limit")
        assert run.ask().status_code == 200


def test_another_tier_answers_when_the_first_is_busy(manifests: Path, state: Path, official: FakeProvider) -> None:
    official.set("busy503")

    with Run(state, "-f", manifests) as run:
        answer = run.ask()

        assert (answer.status_code, answer.headers["x-poolkeeper-endpoint"]) == (200, "backup")
        assert answer.headers["x-poolkeeper-tier"] == "1"
        assert answer.headers["x-poolkeeper-attempts"] == "2"


def test_a_changed_file_is_live_without_dropping_a_stream(
    manifests: Path, state: Path, official: FakeProvider, backup: FakeProvider
) -> None:
    speaks_long(official)

    with Run(state, "-f", manifests) as run:
        stream = run.stream()
        events = [next(stream), next(stream)]
        write(manifests / "pool.yaml", pool([Given(backup)]))
        wait_until(lambda: _served_by(run) == "backup", "the edit to be live")
        events += stream

        assert chunks(events) == LONG_CHUNKS
        assert official.wait_idle()[0].outcome is Outcome.FINISHED


def test_a_changed_secret_is_live_without_a_restart(manifests: Path, state: Path, official: FakeProvider) -> None:
    with Run(state, "-f", manifests) as run:
        official.settings(keys=["sk-canary-second"])
        assert run.ask().headers["x-poolkeeper-endpoint"] == "backup"

        write(manifests / "secret.yaml", secret(**{"api-key": "sk-canary-second"}))

        wait_until(lambda: _served_by(run) == "official", "the new key to be used")


@pytest.mark.parametrize(
    ("damage", "want"),
    [
        (lambda text: text.replace("tier: 1", "tier: eleven"), "spec.endpoints[1].tier: must be a whole number"),
        (lambda text: text.replace("tier: 1", "tier: [1"), "is not YAML"),
        (lambda text: text.replace("tier: 1", "tier: &a [*a]"), "the alias *a refers to itself"),
        (lambda text: text.replace("tier: 1", f"tier: {'[' * 5_000}"), "nested more than"),
        (lambda text: text.replace("tier: 1", 'tier: "\\ud800"'), "half of a surrogate pair"),
        (lambda text: text.replace("name: keys", "name: other"), "names Secret 'other', but the files have keys"),
        (lambda text: "", "the files no longer contain"),
    ],
    ids=["value", "syntax", "itself", "deep", "half a character", "reference", "gone"],
)
def test_a_bad_edit_is_named_and_the_last_good_keeps_serving(
    manifests: Path, state: Path, damage: Callable[[str], str], want: str
) -> None:
    file = manifests / "pool.yaml"
    good = file.read_text()

    with Run(state, "-f", manifests) as run:
        write(file, damage(good))
        run.wait_for(want)
        assert "the last good configuration keeps serving" in run.output
        assert run.ask().status_code == 200

        write(file, good)
        run.wait_for("are valid again")


def test_sigterm_lets_a_stream_finish(manifests: Path, state: Path, official: FakeProvider) -> None:
    speaks_long(official)

    with Run(state, "-f", manifests) as run:
        assert run.process is not None
        stream = run.stream()
        events = [next(stream)]
        run.process.send_signal(signal.SIGTERM)
        run.wait_for("draining")
        events += stream

        assert chunks(events) == LONG_CHUNKS
        assert run.process.wait(PATIENCE_S) == 0
        run.wait_for("all streams have finished")


def test_after_sigterm_answers_say_that_their_connection_closes(
    manifests: Path, state: Path, official: FakeProvider
) -> None:
    speaks_long(official)

    with Run(state, "-f", manifests) as run, plain_http.Client(timeout=PATIENCE_S) as caller:
        assert run.process is not None
        stream = run.stream()
        next(stream)
        models = f"{run.base_url}/models"
        assert caller.get(models).headers["connection"] == "keep-alive"
        run.process.send_signal(signal.SIGTERM)
        run.wait_for("draining")
        wait_until(lambda: caller.get(models).headers["connection"] == "close", "an answer that says that it closes")

        assert list(stream)[-1] == "[DONE]"
        assert run.process.wait(PATIENCE_S) == 0


def test_a_second_signal_does_not_wait(manifests: Path, state: Path, official: FakeProvider) -> None:
    official.set("stall", after_chunks=1)

    with Run(state, "-f", manifests) as run:
        assert run.process is not None
        stream = run.stream()
        next(stream)
        run.process.send_signal(signal.SIGTERM)
        run.wait_for("draining")
        run.process.send_signal(signal.SIGTERM)

        assert run.process.wait(PATIENCE_S) == 0
        run.wait_for("the streams still open were cut")


def test_a_dead_router_is_started_again(manifests: Path, state: Path) -> None:
    with Run(state, "-f", manifests) as run:
        first = (state / "router.pid").read_text()
        os.kill(int(first), signal.SIGKILL)

        run.wait_for("it starts again in")
        wait_until(lambda: (state / "router.pid").read_text() != first, "another router")
        wait_until(lambda: _answers(run), "it to serve")
        assert run.output.count("it starts again in") == 1


def test_a_router_left_behind_by_a_killed_run_is_ended(manifests: Path, state: Path) -> None:
    killed = Run(state, "-f", manifests).start()
    killed.wait_for("ready")
    assert killed.process is not None
    killed.process.kill()
    killed.process.wait()

    with Run(state, "-f", manifests) as run:
        assert "which a killed run had left" in run.output
        assert run.ask().status_code == 200


def test_a_new_authority_is_trusted_without_dropping_a_stream(
    tmp_path: Path, state: Path, backup: FakeProvider
) -> None:
    """The router reads certificates once, so it is replaced: by one that trusts the new ones."""
    (tmp_path / "stranger").mkdir()
    stranger = Authority.create(tmp_path / "stranger").certificate.cert.read_text()
    with FakeProvider("private", tls_names=["localhost"]) as private:
        assert private.ca_file is not None
        trusted = private.ca_file.read_text()
        url = f"https://localhost:{private.port}"
        endpoints = [Given(private, url=url, authority="ca"), Given(backup, tier=1)]
        file = write(tmp_path / "pool.yaml", pool(endpoints) + "---\n" + config_map("ca", stranger))

        with Run(state, "-f", file) as run:
            speaks_long(backup)
            stream = run.stream()
            events = [next(stream)]
            write(file, pool(endpoints) + "---\n" + config_map("ca", trusted))
            wait_until(lambda: _served_by(run) == "private", "the new authority to be trusted")
            events += stream

            assert chunks(events) == LONG_CHUNKS


def test_the_router_has_as_much_memory_for_kept_answers_as_the_policy_says(
    tmp_path: Path, state: Path, backup: FakeProvider
) -> None:
    """It takes it when it starts, so another size means another router; the answer under way is finished."""

    def policy(cache_size: str) -> dict[str, object]:
        return {**QUICK, "fallback": {"cacheSize": cache_size}}

    endpoints = [Given(backup)]
    file = write(tmp_path / "pool.yaml", pool(endpoints, policy("1Mi")))
    caches = state / "router" / "caches.conf"
    with Run(state, "-f", file) as run:
        assert caches.read_text() == f"lua_shared_dict poolkeeper_answers {1 << 20};\n"
        speaks_long(backup)
        stream = run.stream()
        events = [next(stream)]
        write(file, pool(endpoints, policy("2Mi")))
        wait_until(lambda: caches.read_text() == f"lua_shared_dict poolkeeper_answers {2 << 20};\n", "a new router")
        events += stream

        assert chunks(events) == LONG_CHUNKS
        backup.set("ok")
        assert run.ask().status_code == 200


def test_a_second_run_on_the_same_folder_is_refused(manifests: Path, state: Path) -> None:
    with Run(state, "-f", manifests):
        second = Run(state, "-f", manifests).start()

        assert second.process is not None
        assert second.process.wait(PATIENCE_S) == 1
        second.wait_for("another `poolkeeper run` (process ")


def test_a_key_from_the_environment(manifests: Path, state: Path, official: FakeProvider) -> None:
    (manifests / "secret.yaml").unlink()

    with Run(state, "-f", manifests, "--secret-env", "keys/api-key=OFFICIAL_KEY", env={"OFFICIAL_KEY": KEY}) as run:
        assert run.ask().headers["x-poolkeeper-endpoint"] == "official"
        assert [entry.key for entry in official.log()] == [KEY]


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("--secret-env", "keys/api-key=NOT_SET"), "the environment variable NOT_SET is not set"),
        (("--listen", "nowhere"), "--listen: seen 'nowhere'; wanted HOST:PORT"),
        (("-f", "missing.yaml"), "missing.yaml: cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_start_says_why(manifests: Path, state: Path, args: tuple[str, ...], want: str) -> None:
    run = Run(state, "-f", manifests, *args).start()

    assert run.process is not None
    assert run.process.wait(PATIENCE_S) == 1
    assert "Traceback" not in run.wait_for(want)


def test_status_shows_the_run(manifests: Path, state: Path, official: FakeProvider) -> None:
    official.set("busy503")

    with Run(state, "-f", manifests) as run:

        def shows_the_failover() -> bool:
            run.ask()
            status = _status(state)
            breakers = {found.name: found.breaker for found in status.endpoints}
            return (breakers, status.active_tier) == ({"official": "Open", "backup": "Closed"}, 1)

        wait_until(shows_the_failover, "the breaker and the tier in the status")
        assert _status(state).address == run.base_url


def test_no_key_is_to_be_seen_anywhere(manifests: Path, state: Path, official: FakeProvider) -> None:
    official.settings(keys=["another"])

    with Run(state, "-f", manifests) as run:
        run.ask()
        list(run.stream())
        seen = [run.output, run.ask().text]
        seen += [plain_http.get(f"{run.admin_url}/{page}").text for page in ("state", "metrics", "readyz", "healthz")]
        credentials = state / "volumes/credentials"
        files = [path for path in state.rglob("*") if path.is_file() and credentials not in path.parents]
        seen += [path.read_text("utf-8", "replace") for path in files]

        assert [path.stat().st_mode & 0o777 for path in credentials.iterdir()] == [0o600]
        assert not [text for text in seen if "canary" in text]

    assert not [path for path in state.rglob("*") if path.is_file() and "canary" in path.read_text("utf-8", "replace")]


def _answers(run: Run) -> bool:
    return _served_by(run) != ""


def _served_by(run: Run) -> str:
    """Empty while nobody answers."""
    try:
        return str(run.ask().headers.get("x-poolkeeper-endpoint", ""))
    except httpx.TransportError:
        return ""


def _status(state: Path) -> EndpointPoolStatus:
    done = subprocess.run(
        [sys.executable, "-m", "poolkeeper", "status", "--state-dir", str(state), "-o", "yaml"],
        capture_output=True,
        text=True,
        check=True,
    )
    return PoolRecord.model_validate(yaml.safe_load(done.stdout)["items"][0]).status
