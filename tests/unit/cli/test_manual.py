"""Control by hand: what changes for which pool, and what the command prints. The pools are those of two live runs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factories import NOW
from poolkeeper.api import labels
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.status import Condition, EndpointPoolStatus, EndpointStatus
from poolkeeper.cli.main import main
from poolkeeper.local import manual_overrides, run_record, state_dir
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord
from poolkeeper.local.state_dir import StateDir

ENDPOINTS = (
    EndpointStatus(name="official", tier=0, health="Healthy", breaker="Closed", reason="", last_transition_time=NOW),
    EndpointStatus(
        name="local", tier=1, health="Unhealthy", breaker="Closed", reason="Connect", last_transition_time=NOW
    ),
)
HELD = Condition(
    type=ConditionType.FailoverActive,
    status="True",
    reason=Reason.ManualHold,
    message="held",
    last_transition_time=NOW,
    observed_generation=1,
)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """Runs of default/chat and of two namespaces' `code`, under this XDG_STATE_HOME."""
    folders = [state_of(tmp_path, *key) for key in (("default", "chat"), ("one", "code"), ("two", "code"))]
    with state_dir.claim(folders[0]), state_dir.claim(folders[1]), state_dir.claim(folders[2]):
        for folder, (namespace, name) in zip(
            folders, (("default", "chat"), ("one", "code"), ("two", "code")), strict=True
        ):
            write(folder, namespace, name)
        yield tmp_path


def state_of(home: Path, namespace: str, name: str) -> StateDir:
    return state_dir.for_pool({"XDG_STATE_HOME": str(home)}, namespace, name)


def write(state: StateDir, namespace: str, name: str, *conditions: Condition) -> None:
    status = EndpointPoolStatus(endpoints=ENDPOINTS, active_tier=0, conditions=conditions)
    pool = PoolRecord(metadata=PoolMeta(name=name, namespace=namespace), status=status)
    run_record.write(state, RunRecord(pid=os.getpid(), base_url="http://127.0.0.1:1/v1", admin_url="-", pool=pool))


def poolkeeper(home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, args, env={"XDG_STATE_HOME": str(home), "KUBECONFIG": "/none"})


def orders(home: Path, name: str = "chat", namespace: str = "default") -> manual_overrides.Orders:
    return manual_overrides.read(state_of(home, namespace, name))


def test_failover_holds_a_tier_and_says_what_that_does(runs: Path) -> None:
    result = poolkeeper(runs, "failover", "chat", "--to", "1")

    assert result.exit_code == 0, result.output
    assert orders(runs) == {labels.FAILOVER_TO: "1"}
    assert "pool default/chat: you hold tier 1 (local); tier 0 served before" in result.stdout
    assert "To go back: poolkeeper failback chat" in result.stdout
    assert "Careful: no endpoint of tier 1 is healthy" in result.stderr


def test_failback_takes_the_hold_back_and_tells_the_routers(runs: Path) -> None:
    write(state_of(runs, "default", "chat"), "default", "chat", HELD)
    poolkeeper(runs, "failover", "chat", "--to", "1")

    result = poolkeeper(runs, "failback", "default/chat")

    assert result.exit_code == 0, result.output
    assert orders(runs)[labels.FAILOVER_TO] is None
    assert str(orders(runs)[labels.FAILED_BACK_AT]).endswith("Z")
    assert "tier 0 is released" in result.stdout


def test_draining_changes_one_annotation_for_each_endpoint(runs: Path) -> None:
    drained = poolkeeper(runs, "drain", "chat", "local")
    poolkeeper(runs, "drain", "chat", "official")
    undrained = poolkeeper(runs, "undrain", "chat", "local")

    assert orders(runs) == {labels.DRAIN_PREFIX + "local": None, labels.DRAIN_PREFIX + "official": "true"}
    assert "endpoint local drains" in drained.stdout
    assert "Still serving: official" in drained.stdout
    assert "few at first" in undrained.stdout


def test_draining_the_last_that_is_well_is_done_and_warned_of(runs: Path) -> None:
    result = poolkeeper(runs, "drain", "chat", "official")

    assert result.exit_code == 0
    assert "no other endpoint is healthy" in result.stderr


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("failover", "chat", "--to", "7"), "pool default/chat has no tier 7; its tiers: 0, 1"),
        (("drain", "chat", "officail"), "has no endpoint 'officail'; its endpoints: local, official"),
        (("undrain", "code", "official"), "is in several namespaces: one, two; write NAMESPACE/code"),
        (
            ("failback", "chta"),
            "there is no pool 'chta' in the runs on this machine; the pools are: default/chat, one/code",
        ),
        (("failback", "chat", "--state-dir", "/none"), "no `poolkeeper run` uses /none"),
    ],
)
def test_what_does_not_exist_is_reported_and_nothing_changes(runs: Path, args: tuple[str, ...], want: str) -> None:
    result = poolkeeper(runs, *args)

    assert result.exit_code == 1
    assert want in result.stderr
    assert orders(runs) == {}


def test_a_namespace_chooses_among_pools_of_one_name(runs: Path) -> None:
    assert poolkeeper(runs, "drain", "code", "local", "-n", "two").exit_code == 0

    assert orders(runs, "code", "one") == {}
    assert orders(runs, "code", "two") != {}


def test_orders_are_over_the_manifests_annotations() -> None:
    given = {"a": "1", "b": "2"}

    assert manual_overrides.over(given, {"b": None, "c": "3"}) == {"a": "1", "c": "3"}


def test_a_damaged_file_of_orders_orders_nothing(runs: Path) -> None:
    state_of(runs, "default", "chat").orders.write_text(json.dumps([1]))

    assert orders(runs) == {}
