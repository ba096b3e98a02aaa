"""What a user, or a test, does to the API server: by kind and name, over one connection, and past the proxy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from poolkeeper.api.base import API_VERSION
from poolkeeper.kube.client import RESOURCES
from testing import plain_http
from testing.waiting import until

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
MANAGER = "user-of-the-test"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PATIENCE_S = 60.0
UNTYPED = "failed to create typed patch object"
"""With code 500, though the fault is in the object."""


class InvalidError(AssertionError):
    """The API server refuses an object for what is in it."""


class User:
    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = plain_http.Client(base_url=url, headers=headers, verify=plain_http.TRUSTS_ANYBODY, timeout=30)

    def close(self) -> None:
        self._http.close()

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return self._answer("GET", RESOURCES[kind].path(namespace, name))

    def list(self, kind: str, namespace: str = "", selector: str = "") -> list[Json]:
        query = {"labelSelector": selector} if selector else {}
        found = self._answer("GET", RESOURCES[kind].path(namespace), query=query) or {}
        return [{**item, "kind": kind} for item in found.get("items") or []]

    def apply(self, body: Mapping[str, Any]) -> Json:
        """Server-side, as the owner of every field in it."""
        named = {"apiVersion": RESOURCES[body["kind"]].api_version, **body}
        path = RESOURCES[body["kind"]].path(body["metadata"]["namespace"], body["metadata"]["name"])
        found = self._answer("PATCH", path, named, {"fieldManager": MANAGER, "force": "true"}, APPLY)
        assert found is not None
        return found

    def refusal(self, body: Mapping[str, Any]) -> str:
        """Apply it; why the API server finds it invalid, or ""."""
        try:
            self.apply(body)
        except InvalidError as error:
            return str(error)
        return ""

    def merge(self, kind: str, namespace: str, name: str, patch: Mapping[str, Any], subresource: str = "") -> None:
        self._answer("PATCH", RESOURCES[kind].path(namespace, name, subresource), patch, content=MERGE)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self._answer("DELETE", RESOURCES[kind].path(namespace, name), {"propagationPolicy": "Background"})

    def make_namespace(self, name: str) -> None:
        self._answer("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def install_kinds(self) -> None:
        """And wait until they are served."""
        for file in sorted((ROOT / "crds").glob("*.yaml")):
            body = yaml.safe_load(file.read_text())
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{body['metadata']['name']}"
            self._answer("PATCH", path, body, {"fieldManager": MANAGER, "force": "true"}, APPLY)
        schema = f"/openapi/v3/apis/{API_VERSION}"
        for path in (RESOURCES["EndpointPool"].path(""), RESOURCES["FailoverPolicy"].path(""), schema):
            until(lambda path=path: self._http.get(path).is_success, path, PATIENCE_S)  # type: ignore[misc]

    def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Json | None:
        """None: 404."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        answer = self._http.request(method, path, params=query, content=data, headers={"Content-Type": content})
        if answer.status_code == 404:
            return None
        shown = f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        if answer.status_code in (400, 422) or (answer.status_code == 500 and UNTYPED in answer.text):
            raise InvalidError(shown)
        assert answer.is_success, shown
        found: Json = answer.json()
        return found
