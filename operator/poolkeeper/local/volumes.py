"""A tiny kubelet: what the Pod of the rendered Deployment would find in its volumes, as files on this machine; and in
its environment.

It knows the volume kinds that render/ uses (configMap, secret, projected, emptyDir), reads them from the manifest, and
takes the contents from the local Secrets and ConfigMaps. So the router's credentials reach it by the same words as in
a cluster, and a mistake in the rendering shows on a laptop.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import ConfigDict

from poolkeeper.api.base import Model
from poolkeeper.errors import Refused
from poolkeeper.local.state_dir import write_atomic
from poolkeeper.plan.snapshot import Manifest

Kind = Literal["Secret", "ConfigMap"]
Contents = Mapping[tuple[Kind, str], Mapping[str, bytes]]
"""(kind, name) -> key -> value, of one namespace."""

Files = Mapping[PurePosixPath, bytes]
"""The files of one volume, by their path in it."""


class _Part(Model):
    """The little of a Deployment that matters here; the rest is not ours to judge."""

    model_config = ConfigDict(extra="ignore")


class _Metadata(_Part):
    name: str
    annotations: Mapping[str, str] = {}


class RenderedConfigMap(_Part):
    """A ConfigMap from render/, as something to mount."""

    metadata: _Metadata
    data: Mapping[str, str] = {}

    def values(self) -> Mapping[str, bytes]:
        return {key: value.encode() for key, value in self.data.items()}


class _Item(_Part):
    key: str
    path: str


class _Named(_Part):
    """A Secret or ConfigMap, whole or some of its keys. A secret volume says secretName where all others say name."""

    name: str = ""
    secret_name: str = ""
    items: tuple[_Item, ...] | None = None
    optional: bool = False


class _Source(_Part):
    config_map: _Named | None = None
    secret: _Named | None = None


class _Projected(_Part):
    sources: tuple[_Source, ...] = ()


class _Volume(_Source):
    name: str
    projected: _Projected | None = None


class _Variable(_Part):
    name: str
    value: str = ""


class _Container(_Part):
    env: tuple[_Variable, ...] = ()


class _PodSpec(_Part):
    volumes: tuple[_Volume, ...] = ()
    containers: tuple[_Container, ...] = ()


class _Template(_Part):
    spec: _PodSpec


class _DeploymentSpec(_Part):
    template: _Template


class _Deployment(_Part):
    spec: _DeploymentSpec


class _CronJobSpec(_Part):
    job_template: Mapping[str, object]


class _CronJob(_Part):
    spec: _CronJobSpec


def volumes_of(deployment: Manifest, contents: Contents) -> Mapping[str, Files]:
    """Volume name -> its files. Refused when something that must be there is not, as a Pod would not start either."""
    volumes = _Deployment.model_validate(deployment).spec.template.spec.volumes
    return {volume.name: dict(_files(volume, contents)) for volume in volumes}


def environment_of(deployment: Manifest) -> Mapping[str, str]:
    """What the Pod's one container is started with."""
    containers = _Deployment.model_validate(deployment).spec.template.spec.containers
    return {variable.name: variable.value for container in containers for variable in container.env}


def job_of(cronjob: Manifest) -> Manifest:
    """What a CronJob would make a Pod from, in the shape that a Deployment has."""
    return {"spec": _CronJob.model_validate(cronjob).spec.job_template["spec"]}


def materialise(root: Path, volumes: Mapping[str, Files]) -> None:
    """Make the folders below root be exactly these volumes.

    What is no longer declared goes last, so that a file named by the old configuration is there until the new one is.
    """
    wanted = {root / name / path: content for name, files in volumes.items() for path, content in files.items()}
    for name in volumes:
        _folder(root, root / name)
    for path, content in wanted.items():
        _folder(root, path.parent)
        if not path.is_file() or path.read_bytes() != content:
            write_atomic(path, content)
    for path in [found for found in root.rglob("*") if found.is_file()]:
        if path not in wanted:
            path.unlink()


def _folder(root: Path, path: Path) -> None:
    for folder in (root, *reversed([up for up in path.parents if root in up.parents]), path):
        folder.mkdir(exist_ok=True, mode=0o700)


def _files(volume: _Volume, contents: Contents) -> Iterator[tuple[PurePosixPath, bytes]]:
    for source in (volume, *(volume.projected.sources if volume.projected else ())):
        if source.config_map:
            yield from _keys("ConfigMap", source.config_map, contents)
        if source.secret:
            yield from _keys("Secret", source.secret, contents)


def _keys(kind: Kind, named: _Named, contents: Contents) -> Iterator[tuple[PurePosixPath, bytes]]:
    name = named.name or named.secret_name
    key_missing = "SecretKeyMissing" if kind == "Secret" else "ConfigMapNotFound"
    data = contents.get((kind, name))
    if data is None:
        if not named.optional:
            raise Refused(f"{kind} {name!r} is mounted by the router, but is in none of the files", f"{kind}NotFound")
        return
    for item in named.items if named.items is not None else tuple(_Item(key=key, path=key) for key in data):
        if item.key in data:
            yield _inside(item.path), data[item.key]
        elif not named.optional:
            raise Refused(f"{kind} {name!r} has no key {item.key!r}, which the router mounts", key_missing)


def _inside(path: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts or not found.parts:
        raise ValueError(f"a volume's file must lie inside the volume; seen {path!r}")
    return found
