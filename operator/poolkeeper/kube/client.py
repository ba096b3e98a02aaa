"""The few calls we make to the Kubernetes API, by name, over one connection pool.

The kinds are known and few, so paths come from a table: no discovery, no cache file, and the table is what the chart's
RBAC is checked against. Every write carries our field manager and is counted.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import ApiException

from poolkeeper.api.base import API_VERSION
from poolkeeper.api.labels import FIELD_MANAGER
from poolkeeper.errors import Absent, Refused, RetryLater
from poolkeeper.kube.answers import checked_list, checked_object, parsed
from poolkeeper.kube.apply_body import CONTENT_TYPE, apply_body
from poolkeeper.kube.errors import sorted_error
from poolkeeper.kube.json_fields import Json, text
from poolkeeper.kube.kubeconfig import load
from poolkeeper.kube.library import Client
from poolkeeper.plan.snapshot import Manifest

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
REQUEST_TIMEOUT_S, CONNECTIONS = 10.0, 16
PAGE_OBJECTS = 100
"""A list is asked for in pages of so many: in JSON, objects take twenty times what is kept of them."""
MOST_PAGES = 10_000


@dataclass(frozen=True)
class Resource:
    api_version: str
    plural: str

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """namespace: empty for all of them."""
        root = ["api" if "/" not in self.api_version else "apis", self.api_version]
        where = ["namespaces", namespace] if namespace else []
        what = [self.plural, *filter(None, (name, subresource))]
        return "/" + "/".join([*root, *(quote(step, safe="", errors="replace") for step in (*where, *what))])


RESOURCES: Mapping[str, Resource] = {
    "EndpointPool": Resource(API_VERSION, "endpointpools"),
    "FailoverPolicy": Resource(API_VERSION, "failoverpolicies"),
    "ConfigMap": Resource("v1", "configmaps"),
    "CronJob": Resource("batch/v1", "cronjobs"),
    "Deployment": Resource("apps/v1", "deployments"),
    "Event": Resource("events.k8s.io/v1", "events"),
    "HorizontalPodAutoscaler": Resource("autoscaling/v2", "horizontalpodautoscalers"),
    "Job": Resource("batch/v1", "jobs"),
    "Lease": Resource("coordination.k8s.io/v1", "leases"),
    "NetworkPolicy": Resource("networking.k8s.io/v1", "networkpolicies"),
    "Pod": Resource("v1", "pods"),
    "PodDisruptionBudget": Resource("policy/v1", "poddisruptionbudgets"),
    "ReplicaSet": Resource("apps/v1", "replicasets"),
    "Service": Resource("v1", "services"),
}


def _uncounted(*what: str) -> None:
    pass


class Cluster:
    """How to reach and log in to the API server: in the Pod by its ServiceAccount, else by KUBECONFIG."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    @property
    def server(self) -> str:
        return str(self._configuration.host)

    def tls(self) -> ssl.SSLContext:
        """For a client of one's own (kopf's watches)."""
        context = ssl.create_default_context(
            cafile=self._configuration.ssl_ca_cert, cadata=self._configuration.ca_cert_data
        )
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self._configuration.cert_file:
            context.load_cert_chain(self._configuration.cert_file, keyfile=self._configuration.key_file)
        if not self._configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def headers(self) -> dict[str, str]:
        """The login as it is now; a ServiceAccount token is read again when it may have been rotated."""
        key = await self._configuration.get_api_key_with_prefix("BearerToken")
        return {"Authorization": key} if key else {}

    @asynccontextmanager
    async def api(
        self, wrote: Callable[[str, str], None] = _uncounted, failed: Callable[[str, str, str], None] = _uncounted
    ) -> AsyncIterator["KubeApi"]:
        client: Client = ApiClient(self._configuration)
        try:
            yield KubeApi(client, wrote, failed)
        finally:
            await client.close()


async def find_cluster(environment: Mapping[str, str] = os.environ) -> Cluster:
    configuration = Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS
    # Python 3.13 refuses authorities without key-identifier extensions, which kubectl accepts and real clusters have.
    configuration.disable_strict_ssl_verification = True
    await load(configuration, environment)
    return Cluster(configuration)


@asynccontextmanager
async def open_api() -> AsyncIterator["KubeApi"]:
    """For a command: its writes are counted nowhere."""
    cluster = await find_cluster()
    async with cluster.api() as api:
        yield api


@dataclass(frozen=True)
class _Named:
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, body: Manifest) -> Self:
        return cls(text(body, "kind"), text(body, "metadata", "namespace"), text(body, "metadata", "name"))


class KubeApi:
    """The verbs. A 404 is an answer (None); everything else that is not success raises RetryLater or Refused."""

    def __init__(
        self,
        client: Client,
        wrote: Callable[[str, str], None] = _uncounted,
        failed: Callable[[str, str, str], None] = _uncounted,
    ) -> None:
        """wrote, failed: called with kind and verb of each write, and with how it failed: retry or refused."""
        self._client = client
        self._wrote = wrote
        self._failed = failed

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        doing = f"reading {kind} {namespace}/{name}"
        answer = await self._call("GET", RESOURCES[kind].path(namespace, name), doing)
        return None if answer is None else checked_object(answer, doing)

    async def get_path(self, path: str, query: Mapping[str, str] | None = None) -> Json | None:
        return await self._call("GET", path, f"reading {path}", query=query)

    async def get_text(self, path: str, query: Mapping[str, str] | None = None) -> str | None:
        """For what need not be JSON: what a Pod answers through the API server."""
        data = await self._send("GET", path, f"reading {path}", query=query, accept="*/*")
        return None if data is None else data.decode("utf-8", "replace")

    async def list_metadata(self, kind: str, namespace: str, selector: str) -> list[Mapping[str, object]]:
        """Who there is, without what they are."""
        return [one async for page in self.metadata_pages(kind, namespace, selector) for one in page]

    async def metadata_pages(
        self, kind: str, namespace: str, selector: str
    ) -> AsyncIterator[list[Mapping[str, object]]]:
        """The same, a page at a time: of thousands of objects nobody has to hold more than he wants to keep."""
        path, doing, rest = RESOURCES[kind].path(namespace), f"listing {kind}", ""
        of_all = {"limit": str(PAGE_OBJECTS), **({"labelSelector": selector} if selector else {})}
        for _ in range(MOST_PAGES):
            query = {**of_all, **({"continue": rest} if rest else {})}
            answer = await self._call("GET", path, doing, query=query, accept=METADATA_ONLY)
            yield checked_list(answer, doing)
            before, rest = rest, text(answer, "metadata", "continue")
            if not rest:
                return
            if rest == before:
                break
        raise RetryLater(f"{doing}: a list without an end")

    async def apply(self, body: Manifest, subresource: str = "") -> Json:
        """Server-side apply. Forced: a field that we declare is ours, no matter who wrote it meanwhile."""
        what = _Named.of(body)
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        path = RESOURCES[what.kind].path(what.namespace, what.name, subresource)
        return await self._write("apply", what, "PATCH", path, body, query, CONTENT_TYPE)

    async def merge(
        self, kind: str, namespace: str, name: str, patch: Manifest, manager: str = FIELD_MANAGER, part: str = ""
    ) -> Json | None:
        """A merge patch of an object that somebody else made, or of a part (a subresource); None when it is gone."""
        path, doing = RESOURCES[kind].path(namespace, name, part), f"patching {kind} {namespace}/{name}"
        query, content = {"fieldManager": manager}, "application/merge-patch+json"
        with self._telling(kind, "patch"):
            answer = await self._call("PATCH", path, doing, patch, query, content)
        if answer is None:
            return None
        self._wrote(kind, "patch")
        return checked_object(answer, doing)

    async def create(self, body: Manifest) -> Json:
        what = _Named.of(body)
        path = RESOURCES[what.kind].path(what.namespace)
        return await self._write("create", what, "POST", path, body, {"fieldManager": FIELD_MANAGER})

    async def replace(self, body: Manifest) -> Json:
        what = _Named.of(body)
        path = RESOURCES[what.kind].path(what.namespace, what.name)
        return await self._write("update", what, "PUT", path, body, {"fieldManager": FIELD_MANAGER})

    async def delete(self, kind: str, namespace: str, name: str, uid: str) -> None:
        """Deletes exactly the object seen; one that is already gone is fine."""
        path = RESOURCES[kind].path(namespace, name)
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        with self._telling(kind, "delete"):
            await self._call("DELETE", path, f"deleting {kind} {namespace}/{name}", body)
        self._wrote(kind, "delete")

    @contextmanager
    def _telling(self, kind: str, verb: str) -> Iterator[None]:
        try:
            yield
        except RetryLater:
            self._failed(kind, verb, "retry")
            raise
        except Refused:
            self._failed(kind, verb, "refused")
            raise

    async def _write(
        self,
        verb: str,
        what: _Named,
        method: str,
        path: str,
        body: Manifest,
        query: Mapping[str, str],
        content: str = "application/json",
    ) -> Json:
        doing = f"{verb} of {what.kind} {what.namespace}/{what.name}"
        with self._telling(what.kind, verb):
            answer = await self._call(method, path, doing, body, query, content)
        if answer is None:
            self._failed(what.kind, verb, "refused")
            raise Absent(f"{doing}: 404: not found")
        self._wrote(what.kind, verb)
        return checked_object(answer, doing)

    async def _call(
        self,
        method: str,
        path: str,
        doing: str,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Json | None:
        data = await self._send(method, path, doing, body, query, content, accept)
        return None if data is None else parsed(data, doing)

    async def _send(
        self,
        method: str,
        path: str,
        doing: str,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> bytes | None:
        try:
            request = await self._client.param_serialize(
                method,
                path + (f"?{urlencode(query)}" if query else ""),
                header_params={"Accept": accept, "Content-Type": content},
                body=apply_body(body) if body is not None and content == CONTENT_TYPE else body,
                auth_settings=["BearerToken"],
            )
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                response = await self._client.call_api(*request)
                data = await response.read()
        except (ApiException, aiohttp.ClientError, TimeoutError) as error:
            raise sorted_error(error, doing) from error
        if response.status == 404:
            return None
        if not 200 <= response.status <= 299:
            raise sorted_error(ApiException(http_resp=response), doing)
        return data
