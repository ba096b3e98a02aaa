"""The tiny kubelet: the volumes of a Deployment as files, with the modes and refusals of the real one."""

import stat
from pathlib import Path, PurePosixPath

import pytest

from poolkeeper.errors import Refused
from poolkeeper.local.volumes import Contents, materialise, volumes_of

CONTENTS: Contents = {
    ("Secret", "deepseek"): {"api-key": b"sk-1", "other": b"x"},
    ("ConfigMap", "ca"): {"ca.crt": b"PEM"},
    ("ConfigMap", "chat-router"): {"router.json": b"{}"},
}


def deployment(*volumes: dict[str, object]) -> dict[str, object]:
    return {"kind": "Deployment", "spec": {"replicas": 1, "template": {"spec": {"volumes": list(volumes)}}}}


def projected(*sources: dict[str, object]) -> dict[str, object]:
    return {"name": "v", "projected": {"defaultMode": 288, "sources": list(sources)}}


KEY_ITEM = [{"key": "api-key", "path": "official/key"}]


@pytest.mark.parametrize(
    ("volume", "want"),
    [
        ({"name": "v", "emptyDir": {}}, {}),
        ({"name": "v", "configMap": {"name": "chat-router"}}, {"router.json": b"{}"}),
        ({"name": "v", "secret": {"secretName": "deepseek", "items": KEY_ITEM}}, {"official/key": b"sk-1"}),
        ({"name": "v", "secret": {"secretName": "none", "optional": True}}, {}),
        (projected({"secret": {"name": "deepseek", "items": KEY_ITEM}}), {"official/key": b"sk-1"}),
        (
            projected({"secret": {"name": "deepseek"}}, {"configMap": {"name": "ca"}}),
            {"api-key": b"sk-1", "other": b"x", "ca.crt": b"PEM"},
        ),
        (projected({"secret": {"name": "none", "optional": True}}), {}),
        (
            projected({"secret": {"name": "deepseek", "optional": True, "items": [{"key": "no", "path": "no"}]}}),
            {},
        ),
    ],
)
def test_a_volume_holds(volume: dict[str, object], want: dict[str, bytes]) -> None:
    files = volumes_of(deployment(volume), CONTENTS)["v"]

    assert files == {PurePosixPath(path): content for path, content in want.items()}


@pytest.mark.parametrize(
    ("source", "want_reason"),
    [
        ({"secret": {"name": "none"}}, "SecretNotFound"),
        ({"secret": {"name": "deepseek", "items": [{"key": "no", "path": "no"}]}}, "SecretKeyMissing"),
        ({"configMap": {"name": "none"}}, "ConfigMapNotFound"),
        ({"configMap": {"name": "ca", "items": [{"key": "no", "path": "no"}]}}, "ConfigMapNotFound"),
    ],
)
def test_what_must_be_there_and_is_not_is_refused(source: dict[str, object], want_reason: str) -> None:
    with pytest.raises(Refused) as refused:
        volumes_of(deployment(projected(source)), CONTENTS)

    assert refused.value.reason == want_reason


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", ""])
def test_no_file_lies_outside_its_volume(path: str) -> None:
    volume = projected({"secret": {"name": "deepseek", "items": [{"key": "api-key", "path": path}]}})

    with pytest.raises(ValueError, match="inside the volume"):
        volumes_of(deployment(volume), CONTENTS)


def test_files_and_folders_are_the_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "volumes"

    materialise(root, {"keys": {PurePosixPath("official/key"): b"sk-1"}})

    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {
        "volumes": 0o700,
        "volumes/keys": 0o700,
        "volumes/keys/official": 0o700,
        "volumes/keys/official/key": 0o600,
    }


def test_a_changed_file_is_another_file_and_an_equal_one_the_same(tmp_path: Path) -> None:
    """Replaced, never rewritten: a reader in the middle of the old one reads it to its end."""
    changed, equal = PurePosixPath("changed"), PurePosixPath("equal")
    materialise(tmp_path, {"v": {changed: b"1", equal: b"1"}})
    before = {name: (tmp_path / "v" / name).stat().st_ino for name in (changed, equal)}
    kept_open = (tmp_path / "v/changed").open("rb")

    materialise(tmp_path, {"v": {changed: b"2", equal: b"1"}})

    assert (tmp_path / "v/changed").read_bytes() == b"2"
    assert kept_open.read() == b"1"
    assert (tmp_path / "v/equal").stat().st_ino == before[equal]
    kept_open.close()


def test_what_is_no_longer_declared_goes(tmp_path: Path) -> None:
    materialise(tmp_path, {"v": {PurePosixPath("old"): b"sk-canary", PurePosixPath("kept"): b"1"}})

    materialise(tmp_path, {"v": {PurePosixPath("kept"): b"1"}})

    assert [path.name for path in (tmp_path / "v").iterdir()] == ["kept"]
