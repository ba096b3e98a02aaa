"""`make package`: what is in a release, and that the same sources give the same bytes."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from hack.release import chart, krew, manifests, provenance, sources
from hack.release.images import Image, read, unpublished
from hack.release.notes import notes
from poolkeeper import __version__

DIGEST = "sha256:" + "ab" * 32
PUSHED = tuple(Image(name, f"registry.example/poolkeeper-{name}", DIGEST) for name in ("operator", "router"))
TIME_S = 1_700_000_000


def content(archive: bytes, name: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        file = opened.extractfile(name)
        assert file is not None
        return file.read().decode()


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    try:
        manifests.helm()
    except SystemExit as missing:
        pytest.skip(str(missing))
    return chart.write(tmp_path, PUSHED, TIME_S)


def test_the_chart_is_the_same_bytes_twice(tmp_path: Path) -> None:
    first = chart.archive(PUSHED, TIME_S)
    for file in chart.CHART.rglob("*.yaml"):
        file.touch()

    assert chart.archive(PUSHED, TIME_S) == first


def test_another_time_is_another_archive() -> None:
    assert chart.archive(PUSHED, TIME_S) != chart.archive(PUSHED, TIME_S + 1)


def test_the_values_name_the_images_and_keep_every_comment() -> None:
    text = content(chart.archive(PUSHED, TIME_S), "poolkeeper/values.yaml")
    values = yaml.safe_load(text)

    assert values["image"]["repository"] == "registry.example/poolkeeper-operator"
    assert values["router"]["image"]["digest"] == DIGEST
    original = (chart.CHART / "values.yaml").read_text()
    changed = set(text.splitlines()) - set(original.splitlines())
    assert len(changed) <= 4 and all("#" not in line for line in changed)


def test_without_a_registry_the_values_are_those_of_the_checkout() -> None:
    packed = chart.archive(unpublished(), TIME_S)

    assert content(packed, "poolkeeper/values.yaml") == (chart.CHART / "values.yaml").read_text()


def test_artifact_hub_sees_the_images_by_digest() -> None:
    about = yaml.safe_load(content(chart.archive(PUSHED, TIME_S), "poolkeeper/Chart.yaml"))

    assert about["version"] == about["appVersion"] == __version__
    listed = yaml.safe_load(about["annotations"]["artifacthub.io/images"])
    assert [one["image"] for one in listed] == [
        f"registry.example/poolkeeper-{n}@{DIGEST}" for n in ("operator", "router")
    ]


def test_helm_takes_it_and_install_yaml_is_its_default(packed: Path) -> None:
    text = manifests.install(packed)
    objects = [one for one in yaml.safe_load_all(text) if one]

    assert objects[0]["kind"] == "Namespace"
    assert objects[0]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert {"CustomResourceDefinition", "Deployment", "ServiceAccount"} <= {one["kind"] for one in objects}
    assert f"registry.example/poolkeeper-operator@{DIGEST}" in text
    assert f"registry.example/poolkeeper-router@{DIGEST}" in text
    assert text == manifests.install(packed)
    assert not [one for one in objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]


def test_crds_yaml_has_both_kinds() -> None:
    kinds = [one["spec"]["names"]["kind"] for one in yaml.safe_load_all(manifests.crds()) if one]

    assert kinds == ["EndpointPool", "FailoverPolicy"]


@pytest.mark.parametrize("text", ["", f"operator r/o {DIGEST}\n", f"operator r/o {DIGEST}\nrouter r/r none\n"])
def test_a_push_that_was_not_whole_is_no_release(tmp_path: Path, text: str) -> None:
    (tmp_path / "images.txt").write_text(text)

    with pytest.raises(SystemExit, match="wanted of"):
        read(tmp_path / "images.txt")


def test_krew_names_the_archive_by_its_sum(tmp_path: Path) -> None:
    wheel = tmp_path / "poolkeeper-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")

    archive, manifest = krew.write(tmp_path, wheel, "https://forge.example/pk/releases/download/v1/", TIME_S)

    plugin = yaml.safe_load(manifest.read_text())
    first, *_ = plugin["spec"]["platforms"]
    assert first["uri"] == f"https://forge.example/pk/releases/download/v1/{archive.name}"
    assert first["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    with tarfile.open(archive) as opened:
        assert opened.getmember(first["bin"]).mode & 0o100
        assert wheel.name in opened.getnames()


def test_provenance_names_every_file_and_image(tmp_path: Path) -> None:
    file = tmp_path / "crds.yaml"
    file.write_text("x")

    found = json.loads(provenance.statement([file], PUSHED, "https://forge.example/pk", "c0ffee", "https://ci.example"))

    assert [one["digest"]["sha256"] for one in found["subject"]] == [hashlib.sha256(b"x").hexdigest()] + ["ab" * 32] * 2
    assert found["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"] == {"gitCommit": "c0ffee"}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_changed_file_is_seen_by_its_signature(tmp_path: Path) -> None:
    out, key, sign = tmp_path / "out", tmp_path / "key", sources.ROOT / "hack/release/sign.sh"
    out.mkdir()
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key], check=True)
    (out / "chart.tgz").write_text("chart")
    (out / "provenance.intoto.json").write_text("{}")
    (out / "SHA256SUMS").write_text(provenance.checksums([out / "chart.tgz", out / "provenance.intoto.json"]))
    subprocess.run([sign, key, out], check=True, capture_output=True)

    def is_genuine() -> bool:
        return subprocess.run([sign, "--check", out / "release.pub", out], capture_output=True).returncode == 0

    assert is_genuine()
    (out / "chart.tgz").write_text("another")
    assert not is_genuine()
    (out / "chart.tgz").write_text("chart")
    (out / "SHA256SUMS").write_text((out / "SHA256SUMS").read_text() + "\n")
    assert not is_genuine()


CHANGES = """# Changelog

## 0.3.0 (unreleased)

new

## 0.2.0 (2026-12-01)

old
older

## 0.1.0 (2026-11-01)

first
"""


def test_the_notes_are_the_version_s_part_of_the_changelog() -> None:
    assert notes("v0.2.0", "0.2.0", CHANGES) == "old\nolder\n"


@pytest.mark.parametrize(
    ("tag", "version", "want"),
    [
        ("v0.2.0", "0.3.0", "wanted v0.3.0"),
        ("", "0.2.0", "seen tag none"),
        ("v0.3.0", "0.3.0", r"seen ## 0.3.0 \(unreleased\)"),
        ("v0.9.0", "0.9.0", "seen no heading"),
        ("v0.2", "0.2", "seen no heading"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(tag: str, version: str, want: str) -> None:
    with pytest.raises(SystemExit, match=want):
        notes(tag, version, CHANGES)


def test_the_workflow_calls_only_make() -> None:
    workflow = yaml.safe_load((sources.ROOT / ".github/workflows/release.yaml").read_text())
    verbs = set(re.findall(r"^([a-z-]+):", (sources.ROOT / "Makefile").read_text(), flags=re.M))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]

    called = [re.fullmatch(r"(?:sudo --preserve-env )?make ([a-z-]+)( .*)?", command) for command in commands]
    assert commands and all(called), commands
    assert {found[1] for found in called if found} <= verbs
