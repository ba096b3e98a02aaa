"""The file-backed world under the real reconcile(): edits, bad edits, secrets; only the router is played."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import Condition
from poolkeeper.local import probe_results
from poolkeeper.local.backend import Ask, LocalBackend, Sources
from poolkeeper.local.manifest_files import Finding
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import LivePod, PoolKey, RouterReport, Settings
from poolkeeper.probing.termination_message import encode
from poolkeeper.reconcile import reconcile
from poolkeeper.status.evaluate import StatusUpdate

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = PoolKey("default", "chat")
POOL = """\
apiVersion: poolkeeper.dev/v1alpha1
kind: EndpointPool
metadata: {name: chat}
spec:
  models: [deepseek-flash]
  endpoints:
  - {name: official, url: "https://api.deepseek.com/v1", credentialsRef: {name: deepseek, key: api-key}}
  - {name: own, url: "http://127.0.0.1:8000/v1", tier: 1, maxConnections: 7}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: deepseek}\nstringData: {api-key: sk-first, other: sk-other}\n"


@dataclass
class Stage:
    """One backend, the files it reads, and what it printed."""

    folder: Path
    backend: LocalBackend
    findings: list[Sequence[Finding]]
    updates: list[StatusUpdate] = field(default_factory=list)

    def turn(self) -> StatusUpdate:
        update = asyncio.run(reconcile(self.backend, KEY, NOW))
        assert update is not None
        return update

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def mounted(self, path: str) -> str:
        return (self.backend.state.volumes / path).read_text()

    def document(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.mounted("config/router.json"))
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "pool.yaml").write_text(POOL)
    (folder / "secret.yaml").write_text(SECRET)
    return stage_on(folder, tmp_path / "state")


def stage_on(folder: Path, state: Path, secret_values: dict[tuple[str, str], bytes] | None = None) -> Stage:
    findings: list[Sequence[Finding]] = []
    updates: list[StatusUpdate] = []
    state.mkdir()
    backend = LocalBackend(
        key=KEY,
        sources=Sources((folder,), secret_values or {}),
        settings=Settings(router_image="router", local=True),
        state=StateDir(state),
        address="http://127.0.0.1:8080/v1",
        admin_ip="127.0.0.1",
        since=NOW,
        ask=a_router_that_took_everything(StateDir(state)),
        on_findings=findings.append,
        on_update=updates.append,
    )
    return Stage(folder, backend, findings, updates)


def a_router_that_took_everything(state: StateDir, open_since: datetime | None = None) -> Ask:
    """open_since: of all its breakers; None: they are closed."""

    async def ask(pods: Sequence[LivePod], before: Sequence[RouterReport]) -> tuple[RouterReport, ...]:
        document = json.loads((state.volumes / "config/router.json").read_text())
        breaker = {"breaker": "Open" if open_since else "Closed", "since": open_since}
        endpoints = [
            {**{name: one[name] for name in ("name", "fingerprint", "tier")}, "health": "Healthy"}
            | {"models": [{"name": route["name"], **breaker} for route in one["models"]]}
            for one in document["endpoints"]
        ]
        said = {"generation": document["generation"], "configHash": document["hash"], "ready": True, "activeTier": 0}
        answer = RouterState.model_validate({"pool": "default/chat", "endpoints": endpoints, **said})
        return tuple(RouterReport(pod.name, answer, NOW) for pod in pods)

    return ask


def condition(update: StatusUpdate, kind: ConditionType) -> Condition:
    return next(found for found in update.status.conditions if found.type == kind)


def test_the_router_gets_its_document_and_only_the_keys_it_needs(stage: Stage) -> None:
    stage.turn()

    assert stage.document()["allowLoopback"] is True
    assert stage.mounted("credentials/official") == "sk-first"
    assert [path.name for path in (stage.backend.state.volumes / "credentials").iterdir()] == ["official"]


def test_one_router_has_the_whole_ceiling(stage: Stage) -> None:
    stage.turn()

    endpoints = stage.document()["endpoints"]
    assert isinstance(endpoints, list)
    assert [one["maxConnections"] for one in endpoints] == [50, 7]


def test_the_router_is_started_with_what_the_pool_decides_and_nothing_else(stage: Stage) -> None:
    stage.turn()

    assert stage.backend.environment == {"POOLKEEPER_CACHE_BYTES": str(64 << 20)}


def test_the_status_is_that_of_a_cluster(stage: Stage) -> None:
    stage.turn()
    update = stage.turn()

    assert condition(update, ConditionType.Ready).status == "True"
    assert condition(update, ConditionType.Available).status == "True"
    assert update.status.address == "http://127.0.0.1:8080/v1"
    assert stage.backend.is_ready


def test_nothing_changed_means_nothing_is_written(stage: Stage) -> None:
    stage.turn()
    files = [path for path in stage.backend.state.volumes.rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}

    stage.turn()

    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_an_edit_is_a_new_generation(stage: Stage) -> None:
    stage.turn()
    stage.write("pool.yaml", POOL.replace("maxConnections: 7", "maxConnections: 70"))

    update = stage.turn()

    assert stage.document()["generation"] == 2
    assert update.status.observed_generation == 2


def test_a_new_key_is_a_changed_file_and_the_same_document(stage: Stage) -> None:
    stage.turn()
    stage.write("secret.yaml", SECRET.replace("sk-first", "sk-second"))

    stage.turn()

    assert stage.mounted("credentials/official") == "sk-second"
    assert stage.document()["generation"] == 1


@pytest.mark.parametrize(
    ("name", "text", "want"),
    [
        ("pool.yaml", POOL.replace("tier: 1", "tier: 11"), "spec.endpoints[1].tier: must be at most 9; seen 11"),
        ("pool.yaml", POOL.replace("api-key", "token"), "names the key 'token' of Secret 'deepseek'"),
        ("pool.yaml", POOL.replace("[deepseek-flash]", "[deepseek-flash"), "pool.yaml, document 1: is not YAML"),
        ("pool.yaml", "", "the files no longer contain EndpointPool default/chat, which this run serves"),
        ("more.yaml", POOL.replace("name: chat", "name: more"), "EndpointPool/more: is a second pool"),
        ("secret.yaml", SECRET.replace("sk-first", "''"), "of Secret 'deepseek', which is empty"),
        ("extra.yaml", POOL.replace("tier: 1", "tier: 0"), "EndpointPool/chat: appears twice, first in"),
        (
            "pool.yaml",
            POOL.replace('url: "http://127.0.0.1:8000/v1"', "serviceRef: {name: vllm, port: 8000}"),
            "spec.endpoints[1].serviceRef: seen a Service, but there is no cluster here",
        ),
    ],
)
def test_a_bad_edit_changes_nothing_and_is_reported_once(stage: Stage, name: str, text: str, want: str) -> None:
    stage.turn()
    before = {path: path.read_bytes() for path in stage.backend.state.volumes.rglob("*") if path.is_file()}
    stage.write(name, text)

    update = stage.turn()
    stage.turn()

    assert {path: path.read_bytes() for path in stage.backend.state.volumes.rglob("*") if path.is_file()} == before
    assert condition(update, ConditionType.Accepted).reason == "InvalidSpec"
    assert condition(update, ConditionType.Available).status == "True"
    assert len(stage.findings) == 1
    assert want in "\n".join(map(str, stage.findings[0]))


def test_a_repaired_file_is_reported_and_taken(stage: Stage) -> None:
    stage.turn()
    stage.write("pool.yaml", POOL.replace("tier: 1", "tier: 11"))
    stage.turn()
    stage.write("pool.yaml", POOL.replace("tier: 1", "tier: 2"))

    update = stage.turn()

    assert [len(found) for found in stage.findings] == [1, 0]
    assert stage.document()["generation"] == 2
    assert condition(update, ConditionType.Accepted).status == "True"


def test_the_environment_wins_over_the_file_and_stands_in_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "pool.yaml").write_text(POOL)
    stage = stage_on(folder, tmp_path / "state", {("deepseek", "api-key"): b"sk-environment"})

    stage.turn()
    assert stage.mounted("credentials/official") == "sk-environment"

    stage.write("secret.yaml", SECRET)
    stage.turn()
    assert stage.mounted("credentials/official") == "sk-environment"


PROBED = POOL + "  probe: {}\n"
FOUND = EndpointProbe(name="own", why="SlowFirstToken", bad=1, asked=1)


def left(stage: Stage, minutes: float) -> None:
    """A run of the probe has finished."""
    ended = NOW - timedelta(hours=1) + timedelta(minutes=minutes)
    result = ProbeResult(pool="default/chat", began=ended, ended=ended, endpoints=(FOUND,))
    probe_results.leave(stage.backend.state, encode(result))


def test_a_probe_finds_what_a_pod_would_find(stage: Stage) -> None:
    stage.write("pool.yaml", PROBED)
    stage.turn()

    files = sorted(str(path.relative_to(stage.backend.state.probe)) for path in stage.backend.state.probe.rglob("*.*"))
    assert (stage.backend.state.probe / "credentials/official").read_text() == "sk-first"
    assert files == ["config/probe.json"]


@pytest.mark.parametrize("text", [POOL, PROBED.replace("{}", "{suspend: true}")], ids=["none", "suspended"])
def test_without_a_probe_there_is_nothing_for_one_to_find(stage: Stage, text: str) -> None:
    stage.write("pool.yaml", PROBED)
    stage.turn()
    stage.write("pool.yaml", text + "# edited\n")
    stage.turn()

    assert [path for path in stage.backend.state.probe.rglob("*") if path.is_file()] == []


def test_a_probe_that_found_well_what_is_open_is_reported_once(stage: Stage) -> None:
    stage.write("pool.yaml", PROBED)
    stage.turn()
    document = stage.mounted("config/router.json")
    began = NOW - timedelta(minutes=1)
    fingerprint = json.loads(document)["endpoints"][1]["fingerprint"]
    stage.backend.ask = a_router_that_took_everything(stage.backend.state, open_since=began - timedelta(minutes=1))
    well = EndpointProbe(name="own", fingerprint=fingerprint[:8], asked=1, well=("deepseek-flash",))
    result = ProbeResult(pool="default/chat", began=began, ended=NOW, endpoints=(well,))
    stage.turn()
    assert stage.mounted("config/router.json") == document

    probe_results.leave(stage.backend.state, encode(result))
    stage.turn()

    found = stage.document()
    assert found["generation"] == 1
    assert found["answered"] == [
        {
            "endpoint": "own",
            "fingerprint": fingerprint,
            "model": "deepseek-flash",
            "probedAtMs": round(began.timestamp() * 1000),
        }
    ]
    stage.backend.ask = a_router_that_took_everything(stage.backend.state)
    stage.turn()
    assert stage.document() == found


def test_finished_runs_are_counted_and_remembered_over_a_restart(stage: Stage) -> None:
    stage.write("pool.yaml", PROBED)
    stage.turn()
    for minutes in (1, 2, 2):
        left(stage, minutes)
        last = stage.turn().status.last_probe

    assert last is not None
    assert len(last.endpoints[0].runs) == 2
    assert probe_results.recall(stage.backend.state) == last


def test_runs_that_finish_right_after_each_other_all_count(stage: Stage) -> None:
    stage.write("pool.yaml", PROBED)
    stage.turn()
    left(stage, 1)
    left(stage, 1.01)
    last = stage.turn().status.last_probe

    assert last is not None
    assert len(last.endpoints[0].runs) == 2
    assert last.endpoints[0].verdict == "Grey"


def test_no_more_than_the_last_few_results_are_kept(stage: Stage) -> None:
    for minutes in range(20):
        left(stage, minutes)

    kept = probe_results.results(stage.backend.state)
    assert len(kept) == probe_results.KEPT
    assert kept[0].ended == NOW - timedelta(minutes=41)
    assert list(kept) == sorted(kept, key=lambda result: result.ended, reverse=True)


def test_a_damaged_result_is_passed_over(stage: Stage) -> None:
    left(stage, 1)
    (stage.backend.state.probe_results / "0-0.json").write_text("{")

    assert len(probe_results.results(stage.backend.state)) == 1


CALENDAR = """\
  calendars: [{name: cn, configMapRef: {name: holidays, key: cn}}]
"""
DATED = POOL.replace(
    'tier: 1, maxConnections: 7}', 'tier: 1, maxConnections: 7, schedule: [{from: "01:00", to: "04:00", '
    'exceptCalendars: [cn], weightPercent: 0}]}'
)  # fmt: skip
DATES = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: holidays}\ndata: {cn: "%s"}\n'


@pytest.mark.parametrize(
    ("dates", "want"),
    [(None, "names ConfigMap 'holidays', but the files have none"), ("2027-02-30", "line 1: seen '2027-02-30'")],
    ids=["gone", "no date"],
)
def test_without_the_dates_of_a_calendar_the_last_good_configuration_keeps_serving(
    stage: Stage, dates: str | None, want: str
) -> None:
    stage.write("pool.yaml", DATED + CALENDAR)
    stage.write("holidays.yaml", DATES % "2027-02-05/2027-02-08")
    stage.turn()
    good = stage.document()
    assert good["calendars"] == [{"name": "cn", "spans": [{"firstDay": 20854, "lastDay": 20857}]}]

    stage.write("holidays.yaml", DATES % dates if dates else "")
    update = stage.turn()

    assert stage.document() == good
    assert want in str(stage.findings[-1][0])
    assert next(one for one in update.status.conditions if one.type == ConditionType.Accepted).status == "False"

    stage.write("holidays.yaml", DATES % "2027-02-06")
    stage.turn()
    assert stage.document()["calendars"] == [{"name": "cn", "spans": [{"firstDay": 20855, "lastDay": 20855}]}]
