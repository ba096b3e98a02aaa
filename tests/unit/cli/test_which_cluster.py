"""Which cluster and which namespace a command asks, as people who know kubectl expect."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from poolkeeper.cli.main import main
from unit.cli.test_in_cluster import EVERYWHERE, POOLS, ApiServer, api

__all__ = ["api"]


def status(tmp_path: Path, *args: str) -> Result:
    env = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "XDG_STATE_HOME": str(tmp_path / "state")}
    return CliRunner().invoke(main, ["status", *args], env=env)


def with_namespace(tmp_path: Path, namespace: str) -> None:
    file = tmp_path / "kubeconfig"
    config = yaml.safe_load(file.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    config["contexts"].append({"name": "other", "context": {"cluster": "it", "user": "it"}})
    file.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("namespace", "args", "want"),
    [
        ("", (), EVERYWHERE),
        ("team", (), POOLS),
        ("team", ("-A",), EVERYWHERE),
        ("elsewhere", ("-n", "team"), POOLS),
        ("elsewhere", ("team/chat",), POOLS),
        ("team", ("--context", "other"), EVERYWHERE),
    ],
)
def test_which_namespace(
    api: type[ApiServer], tmp_path: Path, namespace: str, args: tuple[str, ...], want: str
) -> None:
    with_namespace(tmp_path, namespace)

    result = status(tmp_path, *args)

    assert result.exit_code == 0, result.output
    assert api.asked == [want]


def test_a_kubeconfig_by_its_option(api: type[ApiServer], tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["status", "--kubeconfig", str(tmp_path / "kubeconfig")], env={"KUBECONFIG": "/none"}
    )

    assert "team/chat" in result.output


def test_a_choice_ends_with_its_command(api: type[ApiServer], tmp_path: Path) -> None:
    status(tmp_path, "--kubeconfig", "/none")

    assert status(tmp_path).exit_code == 0


@pytest.mark.parametrize(("forbidden", "args"), [(EVERYWHERE, ()), (POOLS, ("-n", "team"))])
def test_who_may_not_list_reads_what_to_do(
    api: type[ApiServer], tmp_path: Path, forbidden: str, args: tuple[str, ...]
) -> None:
    api.forbidden = forbidden

    result = status(tmp_path, *args)

    assert result.exit_code == 1
    assert result.stderr.startswith("poolkeeper: you may not list ")
    assert "-n NAMESPACE" in result.stderr


@pytest.mark.parametrize(
    ("text", "args", "want"),
    [
        (None, (), "there is no kubeconfig at"),
        ("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n", (), "names no current-context"),
        ("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n", ("--context", "x"), "'x'"),
        ("a: [", (), "cannot be used"),
        ("", (), "kubeconfig"),
    ],
)
def test_no_cluster_is_said_in_words_with_what_to_do(
    tmp_path: Path, text: str | None, args: tuple[str, ...], want: str
) -> None:
    if text is not None:
        (tmp_path / "kubeconfig").write_text(text)

    result = status(tmp_path, *args)

    assert result.exit_code == 1
    assert want in result.stderr
    assert "Traceback" not in result.output


def test_a_kubeconfig_that_is_missing_is_reported_once(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """The library writes a line of its own, which a newcomer reads first."""
    result = status(tmp_path)

    assert result.output.count(str(tmp_path / "kubeconfig")) == 1
    assert [record.message for record in caplog.records] == []
