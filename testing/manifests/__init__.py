"""Good and bad manifests, read by pydantic and by the real API server alike, so that the two cannot drift apart."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

Manifest = dict[str, object]

SMALLEST: Mapping[str, Manifest] = {
    "EndpointPool": {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": "chat"},
        "spec": {
            "models": ["deepseek-v4-pro", "deepseek-flash"],
            "endpoints": [
                {"name": "official", "url": "https://api.deepseek.com/v1"},
                {"name": "local", "serviceRef": {"name": "vllm", "port": 8000}, "tier": 1},
            ],
        },
    },
    "FailoverPolicy": {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": "standard"},
        "spec": {},
    },
}


@dataclass(frozen=True)
class Case:
    """The smallest manifest of a kind with changes, and the expected problem (see the head of bad.yaml)."""

    case: str
    kind: str = "EndpointPool"
    set: Mapping[str, object] = field(default_factory=dict)
    unset: Sequence[str] = ()
    path: str = ""
    says: str = ""
    server: str = ""
    local: bool = False

    @property
    def manifest(self) -> Manifest:
        manifest = copy.deepcopy(SMALLEST[self.kind])
        for path, value in self.set.items():
            owner, last = _owner(manifest, path)
            owner[last] = value
        for path in self.unset:
            owner, last = _owner(manifest, path)
            del owner[last]
        return manifest


def _owner(manifest: Manifest, path: str) -> tuple[dict[str | int, object], str | int]:
    """The object or list that holds the last step of the path; objects on the way are made."""
    *way, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    owner = cast(dict[str | int, object], manifest)
    for step in way:
        inner = owner[step] if isinstance(step, int) else owner.setdefault(step, {})
        owner = cast(dict[str | int, object], inner)
    return owner, last


def _cases(name: str) -> tuple[Case, ...]:
    entries = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return tuple(Case(**entry) for entry in entries)


GOOD = _cases("good.yaml")
BAD = _cases("bad.yaml")
