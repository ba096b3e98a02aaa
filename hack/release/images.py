"""Which images a release installs: a repository each, and the digest once a registry has reported it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMES = ("operator", "router")
VALUES_PATH = {"operator": ("image",), "router": ("router", "image")}
"""Where the chart's values name it."""


@dataclass(frozen=True)
class Image:
    name: str
    repository: str
    digest: str = ""

    def reference(self, version: str) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{version}"


def unpublished() -> tuple[Image, ...]:
    return tuple(Image(name, f"poolkeeper-{name}") for name in NAMES)


def read(file: Path) -> tuple[Image, ...]:
    """What hack/release/push.sh wrote: NAME REPOSITORY DIGEST, a line each."""
    images = tuple(Image(*line.split()) for line in file.read_text().splitlines())
    _check(file, images)
    return images


def _check(file: Path, images: Sequence[Image]) -> None:
    seen = sorted(image.name for image in images if image.digest.startswith("sha256:"))
    if seen != sorted(NAMES):
        raise SystemExit(f"{file}: seen digests of {seen}, wanted of {sorted(NAMES)}; run hack/release/push.sh again")
