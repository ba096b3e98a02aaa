"""`poolkeeper explain`, `report`, `probe --now` and `dashboard` of a pool in a cluster: over the real client, to an API
server of canned answers. The user may not have every permission."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from factories import NOW
from poolkeeper.cli.main import main
from poolkeeper.dashboard.collect import look
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.pool_changes import ChangeReader
from unit.kube.test_observe import FOUND, probe_pod

EVERYWHERE = "/apis/poolkeeper.dev/v1alpha1/endpointpools"
POOLS = "/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools"
JOBS = "/apis/batch/v1/namespaces/team/jobs"
CRONJOB = "/apis/batch/v1/namespaces/team/cronjobs/chat-probe"
PODS = "/api/v1/namespaces/team/pods"
POOL = {
    "metadata": {"name": "chat", "namespace": "team"},
    "spec": {"endpoints": [{"name": "official", "credentialsRef": {"name": "deepseek", "key": "api-key"}}]},
    "status": {
        "endpoints": [
            {
                "name": "official",
                "tier": 0,
                "health": "Unhealthy",
                "breaker": "Closed",
                "reason": "CredentialsRejected",
                "lastTransitionTime": NOW.isoformat(),
            }
        ]
    },
}
STATE = {"endpoints": [{"name": "official", "health": "Unhealthy", "reason": "CredentialsRejected"}]}
ROUTER = {"metadata": {"name": "chat-router-a", "creationTimestamp": "2026-11-22T00:00:00Z"}}
ANSWERS: dict[str, object] = {
    EVERYWHERE: {"items": [POOL]},
    POOLS: {"items": [POOL]},
    CRONJOB: {"apiVersion": "batch/v1", "metadata": {"name": "chat-probe", "uid": "of-the-cronjob"}},
    f"{POOLS}/chat": POOL,
    PODS: {"items": [ROUTER]},
    f"{PODS}?of a job": {"items": [{"metadata": {"name": "p"}}]},
    f"{PODS}/p": probe_pod(FOUND),
    f"{PODS}/chat-router-a": {**probe_pod(FOUND), **ROUTER},
    f"{PODS}/chat-router-a:9180/proxy/state": STATE,
    f"{PODS}/chat-router-a:9180/proxy/metrics": "poolkeeper_config_generation 3\n",
    "/version": {"gitVersion": "v1.34.0"},
}
FORBIDDEN = {"kind": "Status", "message": "you may not", "reason": "Forbidden"}


class ApiServer(BaseHTTPRequestHandler):
    forbidden = ""
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path) + ("?of a job" if "job-name" in self.path else "")
        self.asked.append(path)
        found = FORBIDDEN if self.forbidden and self.forbidden in path else ANSWERS.get(path, {"items": []})
        body = found.encode() if isinstance(found, str) else json.dumps(found).encode()
        self.send_response(403 if found is FORBIDDEN else 200)
        self.send_header("Content-Type", "text/plain" if isinstance(found, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """The answer to a create is the object."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path.partition("?")[0])
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def api(tmp_path: Path) -> Iterator[type[ApiServer]]:
    class Server(ApiServer):
        asked: ClassVar[list[str]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "users": [{"name": "it", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    try:
        yield Server
    finally:
        server.shutdown()
        server.server_close()


def poolkeeper(home: Path, *args: str) -> Result:
    env = {"XDG_STATE_HOME": str(home / "none"), "KUBECONFIG": str(home / "kubeconfig")}
    return CliRunner().invoke(main, args, env=env)


def test_an_endpoint_is_explained_by_what_the_cluster_knows(api: type[ApiServer], tmp_path: Path) -> None:
    result = poolkeeper(tmp_path, "explain", "team/chat", "official")

    assert result.exit_code == 0, result.output
    assert "check Secret deepseek, key api-key" in result.stdout
    assert "router      chat-router-a" in result.stdout


def test_who_may_not_ask_routers_learns_it_and_gets_the_rest(api: type[ApiServer], tmp_path: Path) -> None:
    api.forbidden = "/proxy/"
    result = poolkeeper(tmp_path, "explain", "team/chat", "official")

    assert result.exit_code == 0, result.output
    assert "pods/proxy: get" in result.stdout
    assert "check Secret deepseek, key api-key" in result.stdout


def test_a_report_has_the_routers_pages_and_no_secret_was_read(api: type[ApiServer], tmp_path: Path) -> None:
    result = poolkeeper(tmp_path, "report", "team/chat", "-o", str(tmp_path / "out"))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/routers/chat-router-a/metrics.txt").read_text() == "poolkeeper_config_generation 3\n"
    assert json.loads((tmp_path / "out/routers/chat-router-a/state.json").read_text()) == STATE
    assert "v1.34.0" in (tmp_path / "out/kubernetes.json").read_text()
    assert [path for path in api.asked if "secrets" in path] == []


@pytest.mark.parametrize("args", [("chat",), ("team/chat",), ("chat", "-n", "team")], ids=" ".join)
def test_a_pool_is_probed_now_in_whichever_namespace_it_is(
    api: type[ApiServer], tmp_path: Path, args: tuple[str, ...]
) -> None:
    result = poolkeeper(tmp_path, "probe", "--now", *args)

    assert result.exit_code == 0, result.output
    assert "Job team/chat-probe-now-" in result.stderr
    assert JOBS in api.asked


def test_a_pool_that_is_not_there_is_not_probed(api: type[ApiServer], tmp_path: Path) -> None:
    result = poolkeeper(tmp_path, "probe", "--now", "chta")

    assert result.exit_code == 1
    assert "there is no pool 'chta' in the cluster; the pools are: team/chat" in result.stderr


def looked(home: Path, monkeypatch: pytest.MonkeyPatch) -> PoolFacts:
    """What `poolkeeper dashboard` sees."""
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "none"))
    monkeypatch.setenv("KUBECONFIG", str(home / "kubeconfig"))
    source, pools = pool_locator.source("team", None)
    assert source == "the cluster"
    (found,) = look(pools, ChangeReader(lambda: NOW), "team/chat", None)
    return found


def test_the_dashboard_sees_what_explain_sees(
    api: type[ApiServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looked(tmp_path, monkeypatch)

    assert [told.advice for told in found.words["official"].told] == [
        "check Secret deepseek, key api-key, and the API key at the provider"
    ]
    assert found.metrics == {"chat-router-a": "poolkeeper_config_generation 3\n"}
    assert [path for path in api.asked if "secrets" in path] == []


def test_who_may_not_ask_routers_sees_the_rest_on_the_dashboard(
    api: type[ApiServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.forbidden = "/proxy/"
    found = looked(tmp_path, monkeypatch)

    assert (found.routers, found.metrics) == ({}, {})
    assert "pods/proxy: get" in found.notes[0]
    assert found.words["official"].told
