"""Envoy as an edge proxy: least request, kept connections, retries on another host, outlier detection.

Streams may take long: no route time-out, as Envoy's own FAQ has it; buffers and limits are its defaults.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from hack.peers.peer import HOST, START_LIMIT_S, Peer, Upstream, clean_environment, pinned

from conformance.environments import ENVOY, environment
from conformance.gateways.process import answers, free_port, running

NAME = "providers"
RETRIABLE = (429, 500, 502, 503, 504)
HTTP_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
HTTP_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
CONNECTIONS_MAX = 100_000


@contextmanager
def envoy(folder: Path, upstreams: Sequence[Upstream], core: int | None) -> Iterator[Peer]:
    program = next((environment("envoy", ENVOY).folder / "lib").glob("python*/site-packages/envoy/_bin/envoy"))
    folder.mkdir(parents=True, exist_ok=True)
    port, admin = free_port(), free_port()
    path = folder / "envoy.yaml"
    path.write_text(yaml.safe_dump(configuration(upstreams, port, admin), sort_keys=False))
    command = [str(program), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    ready = f"http://{HOST}:{admin}/ready"
    log = folder / "envoy.log"
    with running(pinned(command, core), clean_environment(), log, lambda: answers(ready), START_LIMIT_S) as process:
        yield Peer("Envoy", _version(program), f"http://{HOST}:{port}/v1", process.pid)


def _version(program: Path) -> str:
    """Of "envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL"."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.rpartition("version:")[2].split("/")[1]


def configuration(upstreams: Sequence[Upstream], port: int, admin: int) -> Mapping[str, object]:
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": [_listener(upstreams[0], port)], "clusters": [_cluster(upstreams)]},
    }


def _listener(first: Upstream, port: int) -> Mapping[str, object]:
    manager = {
        "@type": HTTP_MANAGER,
        "stat_prefix": "clients",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route(first)]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": HTTP_ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"address": _address(port), "filter_chains": [{"filters": filters}]}


def _route(first: Upstream) -> Mapping[str, object]:
    return {
        "match": {"prefix": "/v1/"},
        "request_headers_to_add": [
            {
                "header": {"key": "Authorization", "value": f"Bearer {first.key}"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
        "route": {
            "cluster": NAME,
            "prefix_rewrite": f"{first.path}/",
            "host_rewrite_literal": "api.example.com",
            "timeout": "0s",
            "idle_timeout": "600s",
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset-before-request,reset,retriable-status-codes",
                "retriable_status_codes": list(RETRIABLE),
                "num_retries": 2,
                "retry_host_predicate": [
                    {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": PREVIOUS_HOSTS}}
                ],
                "host_selection_retry_max_attempts": 3,
            },
        },
    }


def _cluster(upstreams: Sequence[Upstream]) -> Mapping[str, object]:
    endpoints = [{"endpoint": {"address": _address(one.port)}} for one in upstreams]
    limits = {
        "max_connections": CONNECTIONS_MAX,
        "max_pending_requests": CONNECTIONS_MAX,
        "max_requests": CONNECTIONS_MAX,
        "max_retries": CONNECTIONS_MAX,
    }
    return {
        "name": NAME,
        "type": "STATIC",
        "connect_timeout": "2s",
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {"cluster_name": NAME, "endpoints": [{"lb_endpoints": endpoints}]},
        "circuit_breakers": {"thresholds": [limits]},
        "outlier_detection": {
            "consecutive_5xx": 5,
            "interval": "10s",
            "base_ejection_time": "30s",
            "max_ejection_percent": 100,
        },
    }


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": HOST, "port_value": port}}
