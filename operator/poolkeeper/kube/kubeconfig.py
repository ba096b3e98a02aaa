"""Where the login to a cluster comes from: the ServiceAccount of the Pod or a kubeconfig; and what is wrong with it."""

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)
from yaml import YAMLError

from poolkeeper.errors import UserError
from poolkeeper.kube.choice import chosen

DEFAULT = "~/.kube/config"
_load_in_cluster: Callable[..., None] = load_incluster_config
UNUSABLE = (ConfigException, OSError, YAMLError, TypeError, AttributeError, KeyError, ValueError)
"""What the library raises for a kubeconfig that is missing, empty or of another shape."""
_list_contexts: Callable[..., tuple[list[dict[str, Any]], dict[str, Any] | None]] = list_kube_config_contexts
_load_kubeconfig: Callable[..., Awaitable[None]] = load_kube_config


async def load(configuration: Configuration, environment: Mapping[str, str]) -> None:
    """Fills the configuration; UserError where there is nothing to fill it with."""
    choice = chosen()
    path = choice.kubeconfig or environment.get("KUBECONFIG")
    try:
        if not path and not choice.context and "KUBERNETES_SERVICE_HOST" in environment:
            _load_in_cluster(client_configuration=configuration)
        elif not _is_there(path or DEFAULT):  # the library would write a line of its own about it
            raise UserError(f"no cluster to work on: {_missing(path or DEFAULT)}")
        else:
            # Named, because the library reads the variable when it is imported, not when it is asked.
            await _load_kubeconfig(config_file=path, context=choice.context or None, client_configuration=configuration)
    except UNUSABLE as error:
        raise UserError(f"no cluster to work on: {_why(path, choice.context, error)}") from error


def context_namespace(environment: Mapping[str, str] = os.environ) -> str:
    """Of the context in use; "": it names none, or there is no kubeconfig."""
    choice = chosen()
    path = choice.kubeconfig or environment.get("KUBECONFIG")
    if not _is_there(path or DEFAULT):
        return ""
    try:
        contexts, active = _list_contexts(config_file=path)
    except UNUSABLE:
        return ""
    found = next((one for one in contexts if one["name"] == choice.context), None) if choice.context else active
    return str((found or {}).get("context", {}).get("namespace") or "")


def _is_there(where: str) -> bool:
    return any(Path(part).expanduser().is_file() for part in where.split(os.pathsep) if part)


def _missing(where: str) -> str:
    return (
        f"there is no kubeconfig at {where}. Without a cluster: `poolkeeper run -f pool.yaml`. With one: name its "
        "kubeconfig by --kubeconfig FILE or KUBECONFIG"
    )


def _why(path: str | None, context: str, error: Exception) -> str:
    """The library's words name no file and no remedy."""
    where = path or DEFAULT
    if context:
        return f"{where} has no usable context {context!r} ({error}); `kubectl config get-contexts` lists them"
    if "current-context" in str(error):
        return f"{where} names no current-context; choose one with --context NAME or `kubectl config use-context NAME`"
    return f"{where} cannot be used: {error}"
