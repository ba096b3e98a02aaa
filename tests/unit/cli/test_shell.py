"""What shells and scripts rely on: completion, exit codes, Ctrl-C, and output without colours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from factories import NOW
from poolkeeper.api.reasons import GOOD, ConditionType
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.cli import status as status_command
from poolkeeper.cli.main import main
from poolkeeper.local import run_record, state_dir
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord, draining

ROOT = Path(__file__).resolve().parents[3]


def pool(name: str = "chat", **wrong: str) -> PoolRecord:
    conditions = [
        {"type": kind, "status": wrong.get(kind.value, good), "reason": "R", "lastTransitionTime": NOW}
        for kind, good in GOOD.items()
    ]
    endpoints = [{"name": "official", "tier": 0, "health": "Healthy", "breaker": "Closed", "lastTransitionTime": NOW}]
    status = EndpointPoolStatus.model_validate(
        {"conditions": conditions, "endpoints": endpoints, "address": "http://127.0.0.1:1/v1", "headline": "in a line"}
    )
    return PoolRecord(metadata=PoolMeta(name=name, namespace="default"), status=status)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes runs of these pools, which live until the test ends."""
    claimed = []

    def of(*pools: PoolRecord) -> Path:
        for one in pools:
            state = state_dir.for_pool({"XDG_STATE_HOME": str(tmp_path)}, "default", one.metadata.name)
            held = state_dir.claim(state)
            held.__enter__()
            claimed.append(held)
            record = RunRecord(pid=os.getpid(), base_url="http://x/v1", admin_url="http://127.0.0.1:2", pool=one)
            run_record.write(state, record)
        return tmp_path

    yield of
    for held in claimed:
        held.__exit__(None, None, None)


def poolkeeper(home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, args, env={"XDG_STATE_HOME": str(home), "KUBECONFIG": "/none"})


LEVELS = {
    "well": ((pool(),), 0),
    "degraded": ((pool(Degraded="True"),), 3),
    "failed over": ((pool(FailoverActive="True"),), 3),
    "not known": ((pool(Available="Unknown"),), 4),
    "not available": ((pool(Available="False"),), 5),
    "the worst of several": ((pool(), pool("b", Available="False"), pool("c", Degraded="True")), 5),
}


@pytest.mark.parametrize(("pools", "want"), LEVELS.values(), ids=LEVELS.keys())
def test_the_exit_code_says_how_the_worst_pool_is(
    serve: Callable[..., Path], pools: tuple[PoolRecord, ...], want: int
) -> None:
    home = serve(*pools)

    assert poolkeeper(home, "status", "--exit-code").exit_code == want
    assert poolkeeper(home, "status", "--exit-code", "-o", "json").exit_code == want
    assert poolkeeper(home, "status").exit_code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_calls_this_command(tmp_path: Path, shell: str) -> None:
    result = poolkeeper(tmp_path, "completion", shell)

    assert result.exit_code == 0
    assert f"_POOLKEEPER_COMPLETE={shell}_complete" in result.stdout


COMPLETED = {
    "commands": ("poolkeeper sta", ["status"]),
    "pools": ("poolkeeper explain ", ["chat", "code"]),
    "a pool that was begun": ("poolkeeper status co", ["code"]),
    "endpoints": ("poolkeeper drain chat o", ["official"]),
    "options": ("poolkeeper status --exit", ["--exit-code"]),
}


@pytest.mark.parametrize(("line", "want"), COMPLETED.values(), ids=COMPLETED.keys())
def test_bash_completes(serve: Callable[..., Path], line: str, want: list[str]) -> None:
    """The real script in a real bash, with the command as it is installed."""
    home = serve(pool(), pool("code"))
    words = line.split(" ")
    script = f"""
eval "$(poolkeeper completion bash)"
COMP_WORDS=({" ".join(words)} {"''" if not words[-1] else ""}); COMP_CWORD={len(words) - 1}
_poolkeeper_completion poolkeeper
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT / "operator")}

    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=120, check=False)

    assert done.stdout.split() == want, done.stderr


@pytest.mark.parametrize("env", [{"NO_COLOR": "1", "FORCE_COLOR": "", "TERM": "xterm"}, {}])
def test_no_colours_in_a_pipe_and_with_no_color(serve: Callable[..., Path], env: dict[str, str]) -> None:
    home = serve(pool(Available="False"))
    result = CliRunner().invoke(main, ["status"], env={"XDG_STATE_HOME": str(home), **env})

    assert "\x1b[" not in result.stdout
    assert "in a line" in result.stdout


def test_ctrl_c_ends_a_watch_without_a_word_and_with_130(serve: Callable[..., Path]) -> None:
    home = serve(pool())
    env = {**os.environ, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"}
    watch = subprocess.Popen(
        [sys.executable, "-m", "poolkeeper", "status", "-w"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # it may be ignored where tests run unattended
    )
    assert watch.stdout is not None
    assert "POOL" in watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    _, errors = watch.communicate(timeout=60)

    assert (watch.returncode, errors) == (130, "")


def test_json_is_what_its_schema_says() -> None:
    """The generated page names every field that is printed, at every depth."""
    schema: Any = json.loads((ROOT / "docs/reference/status.schema.json").read_text())

    def resolved(of: Any) -> Any:
        options = [one for one in of.get("anyOf", [of]) if one.get("type") != "null"]
        return schema["$defs"][options[0]["$ref"].rpartition("/")[2]] if "$ref" in options[0] else options[0]

    def unknown(value: object, of: Any, place: str) -> Iterator[str]:
        known = resolved(of)
        if isinstance(value, dict):
            yield from (f"{place}.{name}" for name in value if name not in known["properties"])
            for name in value.keys() & known["properties"].keys():
                yield from unknown(value[name], known["properties"][name], f"{place}.{name}")
        elif isinstance(value, list):
            for inner in value:
                yield from unknown(inner, known["items"], f"{place}[]")

    assert list(unknown(json.loads(status_command.document([pool()])), schema, "")) == []
    assert list(unknown({"items": [{"status": {"headlime": ""}}]}, schema, "")) == [".items[].status.headlime"]


def test_a_run_that_ends_says_so_and_offers_no_address() -> None:
    record = RunRecord(pid=1, base_url="http://x/v1", admin_url="http://y", pool=pool())

    status = draining(record, 60, NOW).pool.status

    assert status.headline == ("this run is ending: it takes no new requests, and open streams have 60 s to finish")
    assert (status.address, status.active_tier) == ("", None)
    available = next(one for one in status.conditions if one.type == ConditionType.Available)
    assert (available.status, available.reason, available.message) == ("False", "RouterNotReady", status.headline)


@pytest.mark.parametrize(
    ("given", "want"),
    [("BreakerOpen", "# BreakerOpen"), ("breakeropen", "# BreakerOpen"), ("Connect", "# ConnectFailed")],
)
def test_a_runbook_is_printed_without_a_checkout(tmp_path: Path, given: str, want: str) -> None:
    assert poolkeeper(tmp_path, "runbook", given).stdout.startswith(want)


def test_a_word_without_a_runbook_names_the_nearest(tmp_path: Path) -> None:
    result = poolkeeper(tmp_path, "runbook", "BreakerOpne")

    assert result.exit_code == 1
    assert result.stderr == "poolkeeper: there is no runbook 'BreakerOpne'; did you mean BreakerOpen?\n"
    assert "BreakerOpen\n" in poolkeeper(tmp_path, "runbook").stdout
