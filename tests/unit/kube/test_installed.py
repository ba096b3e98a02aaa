"""The schema on the server is asked before any work starts, and the message says what is missing and what to do."""

import asyncio
import copy
from pathlib import Path

import yaml

from poolkeeper.kube.installed import OPENAPI_PATH, not_installed
from poolkeeper.kube.json_fields import Json
from unit.kube.memory_api import MemoryApi

CRDS = Path(__file__).resolve().parents[3] / "crds"


def served() -> Json:
    """The server's OpenAPI document, as it would be with the CRDs of this checkout."""
    schemas: Json = {}
    for path in CRDS.glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        kind = crd["spec"]["names"]["kind"]
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schemas[kind] = {**schema, "x-kubernetes-group-version-kind": [{"kind": kind}]}
    return {"components": {"schemas": schemas}}


def asked(document: Json | None) -> str:
    api = MemoryApi()
    if document is not None:
        api.objects[OPENAPI_PATH] = document
    return asyncio.run(not_installed(api))


def test_our_own_crds_are_enough() -> None:
    assert asked(served()) == ""


def test_a_server_that_does_not_know_us_is_reported() -> None:
    assert asked(None).startswith("the API server does not know poolkeeper.dev/v1alpha1: install the Custom")


def test_a_missing_kind_is_named() -> None:
    document = copy.deepcopy(served())
    del document["components"]["schemas"]["FailoverPolicy"]  # type: ignore[index] # built above, its shape is known

    assert "does not know poolkeeper.dev FailoverPolicy" in asked(document)


def test_a_kind_without_a_status_of_its_own_is_named() -> None:
    document = copy.deepcopy(served())
    root = "/apis/poolkeeper.dev/v1alpha1/namespaces/{namespace}"
    document["paths"] = {f"{root}/endpointpools/{{name}}": {}, f"{root}/failoverpolicies/{{name}}/status": {}}

    assert asked(document).startswith("the installed EndpointPool has no status subresource: install the Custom")

    document["paths"] = {f"{root}/{plural}/{{name}}/status": {} for plural in ("endpointpools", "failoverpolicies")}
    assert asked(document) == ""


def test_a_missing_field_is_named_by_its_path() -> None:
    document = copy.deepcopy(served())
    pool = document["components"]["schemas"]["EndpointPool"]  # type: ignore[index] # built above, its shape is known
    del pool["properties"]["spec"]["properties"]["endpoints"]["items"]["properties"]["egressProxy"]
    del pool["properties"]["status"]["properties"]["summary"]

    assert "the installed EndpointPool lacks spec.endpoints[].egressProxy, status.summary" in asked(document)
