"""The chart as Helm installs it: charts/poolkeeper, with the release's images in its values and annotations."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from hack.release import sources
from hack.release.archive import tar_gz
from hack.release.images import VALUES_PATH, Image
from poolkeeper import __version__

NAME = "poolkeeper"
CHART = sources.ROOT / "charts" / NAME


def archive(images: Sequence[Image], time_s: int) -> bytes:
    files = {
        f"{NAME}/{file.relative_to(CHART)}": file.read_bytes() for file in sorted(CHART.rglob("*")) if file.is_file()
    }
    files[f"{NAME}/LICENSE"] = (sources.ROOT / "LICENSE").read_bytes()
    values = f"{NAME}/values.yaml"
    files[values] = with_images(files[values].decode(), images).encode()
    about = f"{NAME}/Chart.yaml"
    files[about] = annotated(files[about].decode(), images, _prerelease(__version__)).encode()
    return tar_gz(files, time_s)


def write(out: Path, images: Sequence[Image], time_s: int) -> Path:
    target = out / f"{NAME}-{__version__}.tgz"
    target.write_bytes(archive(images, time_s))
    return target


def with_images(values: str, images: Sequence[Image]) -> str:
    """The same text, comments included, with each image's repository and digest."""
    for image in images:
        for key, value in (("repository", image.repository), ("digest", image.digest)):
            start, end = _span(values, (*VALUES_PATH[image.name], key))
            values = values[:start] + (value or '""') + values[end:]
    return values


def annotated(about: str, images: Sequence[Image], is_prerelease: bool) -> str:
    """Chart.yaml with what Artifact Hub shows of a release. `annotations` is its last member."""
    listed = "".join(f"    - name: {image.name}\n      image: {image.reference(__version__)}\n" for image in images)
    return (
        about.rstrip("\n")
        + f'\n  artifacthub.io/prerelease: "{str(is_prerelease).lower()}"\n  artifacthub.io/images: |\n{listed}'
    )


def _prerelease(version: str) -> bool:
    return version.startswith("0.") or not version.replace(".", "").isdigit()


def _span(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """Where the value of a path begins and ends in a YAML text."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in path:
        assert isinstance(node, yaml.MappingNode), f"values.yaml has no {'.'.join(path)}"
        node = next(value for name, value in node.value if name.value == key)
    assert node is not None
    return node.start_mark.index, node.end_mark.index
