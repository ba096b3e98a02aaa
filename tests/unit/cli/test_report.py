"""`poolkeeper report` of a live run: what helps is in it, and no key is."""

import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factories import NOW
from poolkeeper.cli.main import main
from poolkeeper.diagnostics.support_bundle import write
from poolkeeper.local import state_dir
from unit.cli.test_explain import home

CANARY = "sk-canary-7f3a"
__all__ = ["home"]


def report(home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["report", *args], env={"XDG_STATE_HOME": str(home), "KUBECONFIG": "/none"})


def everything(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def keyed(home: Path) -> Path:
    """The same run, with keys where a run has them."""
    state = state_dir.for_pool({"XDG_STATE_HOME": str(home)}, "default", "chat")
    for folder in (state.volumes, state.probe):
        (folder / "credentials").mkdir(parents=True)
        (folder / "credentials/official").write_text(CANARY)
    document = json.loads((state.volumes / "config/router.json").read_text())
    document["endpoints"][0]["egress_proxy"] = f"http://me:{CANARY}@proxy:3128"
    (state.volumes / "config/router.json").write_text(json.dumps(document))
    return home


def test_what_is_in_it(keyed: Path, tmp_path: Path) -> None:
    result = report(keyed, "chat", "-o", str(tmp_path / "out"))

    assert result.exit_code == 0, result.output
    files = everything(tmp_path / "out")
    assert {
        "README.txt",
        "status.txt",
        "status.json",
        "explain/official.txt",
        "probe.json",
        "router.json",
        "routers/local/state.json",
    } <= files.keys()
    assert "pool default/chat, at " in files["README.txt"]
    assert "poolkeeper runbook CredentialsRejected" in files["explain/official.txt"]
    assert "CredentialsRejected" in files["routers/local/state.json"]


def test_no_key_is_in_it(keyed: Path, tmp_path: Path) -> None:
    report(keyed, "chat", "-o", str(tmp_path / "out"))

    files = everything(tmp_path / "out")
    assert [name for name, text in files.items() if CANARY in text] == []
    assert "://***@proxy:3128" in files["router.json"]


def test_what_cannot_be_had_is_reported(keyed: Path, tmp_path: Path) -> None:
    result = report(keyed, "chat", "-o", str(tmp_path / "out"))

    assert "missing: " in result.stderr  # this run's router knows no /metrics
    assert "/metrics cannot be read: answered 404" in result.stderr


def test_an_archive_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    write({"README.txt": "hello", "explain/a.txt": "a"}, path, NOW)

    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["report/README.txt", "report/explain/a.txt"]


def test_nothing_is_written_over(keyed: Path, tmp_path: Path) -> None:
    result = report(keyed, "chat", "-o", str(tmp_path))

    assert result.exit_code == 1
    assert "exists already" in result.stderr
