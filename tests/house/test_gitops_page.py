"""docs/gitops.md: its health script says of a pool what the condition Ready does, and what an autoscaler sets."""

from pathlib import Path

import pytest
import yaml
from lupa.luajit21 import LuaRuntime

from poolkeeper.api.reasons import REASONS, ConditionType

PAGE = Path(__file__).parents[2] / "docs/gitops.md"
GENERATION = 3


def health(*conditions: dict[str, object]) -> tuple[str, str]:
    """What Argo CD would show of a pool with these conditions."""
    lua = LuaRuntime()
    script = PAGE.read_text().partition("```lua\n")[2].partition("```")[0]
    pool: dict[str, object] = {"metadata": {"generation": GENERATION}}
    if conditions:
        pool["status"] = {"conditions": list(conditions)}
    lua.globals().obj = lua.table_from(pool, recursive=True)
    found = lua.execute(script)
    return str(found.status), str(found.message)


def condition(type: str, status: str, reason: str, generation: int = GENERATION) -> dict[str, object]:
    return {"type": type, "status": status, "reason": reason, "message": "why", "observedGeneration": generation}


@pytest.mark.parametrize(
    ("status", "reason", "want"),
    [
        ("True", "Ready", "Healthy"),
        ("False", "SecretNotFound", "Degraded"),
        ("False", "ApplyForbidden", "Degraded"),
        ("False", "RolloutInProgress", "Progressing"),
        ("Unknown", "RolloutInProgress", "Progressing"),
        ("Unknown", "ReconcilePaused", "Suspended"),
        ("Unknown", "Pending", "Progressing"),
    ],
)
def test_a_pool_is_as_well_as_its_ready(status: str, reason: str, want: str) -> None:
    assert reason in REASONS[ConditionType.Ready]
    assert health(condition("Ready", status, reason)) == (want, f"{reason}: why")


def test_a_pool_that_nobody_has_looked_at_is_progressing() -> None:
    assert health()[0] == "Progressing"


def test_what_was_said_of_an_older_spec_does_not_count() -> None:
    assert health(condition("Ready", "True", "Ready", GENERATION - 1))[0] == "Progressing"


def test_an_outage_is_told_and_stops_nothing() -> None:
    failing_over = condition("FailoverActive", "True", "PrimaryBreakerOpen")

    assert health(condition("Ready", "True", "Ready"), failing_over) == ("Healthy", "PrimaryBreakerOpen: why")


def test_it_names_what_an_autoscaler_scales() -> None:
    rendered = yaml.safe_load_all((PAGE.parents[1] / "tests/golden/everything.yaml").read_text())
    (scaled,) = [one["spec"]["scaleTargetRef"]["kind"] for one in rendered if one["kind"] == "HorizontalPodAutoscaler"]
    (bullet,) = [part for part in PAGE.read_text().split("\n- ") if "spec.router.autoscaling" in part]

    assert f"scales the {scaled}" in bullet
