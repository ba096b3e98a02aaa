"""examples/argocd: Argo CD's Lua says of pools and policies what their conditions do, and its actions what commands do.

The cases are files of the kind that Argo CD's own tests read (health_test.yaml, action_test.yaml).
"""

from pathlib import Path
from typing import cast

import pytest
import yaml
from lupa.luajit21 import LuaError, LuaRuntime

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.reasons import REASONS, ConditionType

ROOT = Path(__file__).parents[2]
ARGOCD = ROOT / "examples/argocd"
LUA = ARGOCD / "resource_customizations/poolkeeper.dev"
PAGE = ROOT / "docs/gitops.md"
ACTIONS = LUA / "EndpointPool/actions"
Json = dict[str, object]


def run(script: Path, obj: Json, parameters: Json | None = None) -> Json:
    lua = LuaRuntime()
    lua.execute("string, os, io, math = nil")  # as in Argo CD, where `require` gives a part of os
    lua.globals().obj = lua.table_from(obj, recursive=True)
    lua.globals().actionParams = lua.table_from(parameters or {})
    return cast(Json, plain(lua.execute(script.read_text())))


def plain(value: object) -> object:
    if hasattr(value, "items"):
        found = {key: plain(item) for key, item in value.items()}
        if found and all(isinstance(key, int) for key in found):
            return [found[key] for key in sorted(found)]
        return found
    return value


def cases(file: Path, part: str) -> list[tuple[Path, Json]]:
    return [(file.parent, case) for case in yaml.safe_load(file.read_text())[part]]


def name_of(case: tuple[Path, Json]) -> str:
    folder, found = case
    return f"{folder.relative_to(LUA)}-{found.get('action', '')}-{found['inputPath']}"


def read(folder: Path, name: object) -> Json:
    return cast(Json, yaml.safe_load((folder / str(name)).read_text()))


HEALTH = [case for file in sorted(LUA.glob("*/health_test.yaml")) for case in cases(file, "tests")]


@pytest.mark.parametrize("case", HEALTH, ids=name_of)
def test_health(case: tuple[Path, Json]) -> None:
    folder, given = case

    assert run(folder / "health.lua", read(folder, given["inputPath"])) == given["healthStatus"]


@pytest.mark.parametrize("case", cases(ACTIONS / "action_test.yaml", "discoveryTests"), ids=name_of)
def test_actions_that_are_offered(case: tuple[Path, Json]) -> None:
    folder, given = case
    found = run(folder / "discovery.lua", read(folder, given["inputPath"]))

    offered = [{"name": name, **cast(Json, of)} for name, of in found.items()]
    want = cast(list[Json], given["result"])
    assert sorted(offered, key=lambda one: str(one["name"])) == sorted(want, key=lambda one: str(one["name"]))


@pytest.mark.parametrize("case", cases(ACTIONS / "action_test.yaml", "actionTests"), ids=name_of)
def test_an_action_changes_its_annotation_and_nothing_else(case: tuple[Path, Json]) -> None:
    folder, given = case
    script = folder / str(given["action"]) / "action.lua"

    changed = run(script, read(folder, given["inputPath"]), cast(Json | None, given.get("parameters")))
    want = read(folder, given["expectedOutputPath"])
    assert changed == want


def test_failback_notes_when_and_ends_the_hold() -> None:
    changed = run(ACTIONS / "failback/action.lua", read(ACTIONS, "testdata/held.yaml"))

    annotations = cast(Json, cast(Json, changed["metadata"])["annotations"])
    assert list(annotations) == ["poolkeeper.dev/failed-back-at"]
    assert EndpointPool.model_validate({key: value for key, value in changed.items() if key != "status"})


@pytest.mark.parametrize(
    ("action", "parameters", "want"),
    [
        ("failover", {"tier": "7"}, "seen tier 7"),
        ("failover", {"tier": "first"}, "seen tier first"),
        ("drain", {"endpoint": "nobody"}, "seen endpoint 'nobody'"),
        ("drain", {}, "seen endpoint ''"),
    ],
)
def test_what_the_pool_does_not_have_is_refused(action: str, parameters: Json, want: str) -> None:
    with pytest.raises(LuaError, match=want):
        run(ACTIONS / action / "action.lua", read(ACTIONS, "testdata/plain.yaml"), parameters)


def test_below_the_last_tier_there_is_none_to_fail_over_to() -> None:
    pool = read(ACTIONS, "testdata/plain.yaml")
    cast(Json, pool["status"])["activeTier"] = 1

    with pytest.raises(LuaError, match="name another tier"):
        run(ACTIONS / "failover/action.lua", pool)


def test_every_reason_of_ready_has_a_health() -> None:
    """Degraded unless it may pass by itself."""
    base = read(LUA / "EndpointPool", "testdata/refused.yaml")
    status = cast(dict[str, list[Json]], base["status"])
    found = {}
    for reason in REASONS[ConditionType.Ready][1:]:
        status["conditions"][0].update(reason=reason.value)
        found[reason.value] = run(LUA / "EndpointPool/health.lua", base)["status"]

    assert {reason for reason, health in found.items() if health != "Degraded"} == {
        "RolloutInProgress",
        "ReconcilePaused",
    }


def test_the_config_map_has_the_same_scripts() -> None:
    data = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())["data"]

    for kind in ("EndpointPool", "FailoverPolicy"):
        script = data[f"resource.customizations.health.poolkeeper.dev_{kind}"]
        assert script == (LUA / kind / "health.lua").read_text()
    actions = yaml.safe_load(data["resource.customizations.actions.poolkeeper.dev_EndpointPool"])
    assert actions["discovery.lua"] == (ACTIONS / "discovery.lua").read_text()
    found = {one["name"]: one["action.lua"] for one in actions["definitions"]}
    assert found == {file.parent.name: file.read_text() for file in ACTIONS.glob("*/action.lua")}


def test_two_clusters_get_an_application_each() -> None:
    made = yaml.safe_load((ARGOCD / "applicationset.yaml").read_text())["spec"]
    elements = made["generators"][0]["list"]["elements"]
    text = yaml.safe_dump(made["template"])

    names = [text.replace("{{ .cluster }}", one["cluster"]).replace("{{ .server }}", one["server"]) for one in elements]
    assert len(set(names)) == 2 and not [name for name in names if "{{" in name]


def test_pools_come_after_the_operator() -> None:
    operator, pools = yaml.safe_load_all((ARGOCD / "application.yaml").read_text())
    wave = "argocd.argoproj.io/sync-wave"

    assert int(operator["metadata"]["annotations"][wave]) < int(pools["metadata"]["annotations"][wave])
    assert "SkipDryRunOnMissingResource=true" in pools["spec"]["syncPolicy"]["syncOptions"]


def test_the_page_names_what_an_autoscaler_scales() -> None:
    rendered = yaml.safe_load_all((ROOT / "tests/golden/everything.yaml").read_text())
    (scaled,) = [one["spec"]["scaleTargetRef"]["kind"] for one in rendered if one["kind"] == "HorizontalPodAutoscaler"]
    (bullet,) = [part for part in PAGE.read_text().split("\n- ") if "spec.router.autoscaling" in part]

    assert f"scales the {scaled}" in bullet
