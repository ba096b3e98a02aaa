"""Envoy as an edge proxy: least request, kept connections, retries on another host, outlier detection.

Streams may take long: no route time-out, as Envoy's own FAQ has it; buffers and limits are its defaults.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from testing.gateways.environments import ENVOY, environment
from testing.gateways.process import answers, free_port, running
from testing.peers.peer import HOST, START_LIMIT_S, Limits, Peer, Upstream, clean_environment, pinned

NAME = "providers"
RETRIABLE = (429, 500, 502, 503, 504)
HTTP_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
HTTP_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
CONNECTIONS_MAX = 100_000


@contextmanager
def envoy(
    folder: Path,
    upstreams: Sequence[Upstream],
    core: int | None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Iterator[Peer]:
    program = next((environment("envoy", ENVOY).folder / "lib").glob("python*/site-packages/envoy/_bin/envoy"))
    folder.mkdir(parents=True, exist_ok=True)
    port, admin = free_port(), free_port()
    path = folder / "envoy.yaml"
    path.write_text(yaml.safe_dump(configuration(upstreams, port, admin, limits), sort_keys=False))
    command = [str(program), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    ready = f"http://{HOST}:{admin}/ready"
    log = folder / "envoy.log"
    with running(pinned(command, core), clean_environment(), log, lambda: answers(ready), START_LIMIT_S) as process:
        yield Peer("Envoy", _version(program), f"http://{HOST}:{port}/v1", process.pid)


def _version(program: Path) -> str:
    """Of "envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL"."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.rpartition("version:")[2].split("/")[1]


def configuration(upstreams: Sequence[Upstream], port: int, admin: int, limits: Limits) -> Mapping[str, object]:
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [_listener(upstreams[0], port, limits)],
            "clusters": [_cluster(upstreams, limits)],
        },
    }


def _listener(first: Upstream, port: int, limits: Limits) -> Mapping[str, object]:
    manager = {
        "@type": HTTP_MANAGER,
        "stat_prefix": "clients",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route(first, limits)]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": HTTP_ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"address": _address(port), "filter_chains": [{"filters": filters}]}


def _route(first: Upstream, limits: Limits) -> Mapping[str, object]:
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
            "idle_timeout": _seconds(limits.request_s),
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset-before-request,reset,retriable-status-codes",
                "retriable_status_codes": list(RETRIABLE),
                "num_retries": 2,
                "per_try_idle_timeout": _seconds(min(limits.first_token_s, limits.inter_token_s)),
                "retry_host_predicate": [
                    {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": PREVIOUS_HOSTS}}
                ],
                "host_selection_retry_max_attempts": 3,
            },
        },
    }


def _cluster(upstreams: Sequence[Upstream], limits: Limits) -> Mapping[str, object]:
    tiers = sorted({one.tier for one in upstreams})
    localities = [
        {
            "priority": tiers.index(tier),
            "lb_endpoints": [{"endpoint": {"address": _address(one.port)}} for one in upstreams if one.tier == tier],
        }
        for tier in tiers
    ]
    thresholds = {
        "max_connections": CONNECTIONS_MAX,
        "max_pending_requests": CONNECTIONS_MAX,
        "max_requests": CONNECTIONS_MAX,
        "max_retries": CONNECTIONS_MAX,
    }
    return {
        "name": NAME,
        "type": "STATIC",
        "connect_timeout": _seconds(limits.connect_s),
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {"cluster_name": NAME, "endpoints": localities},
        "circuit_breakers": {"thresholds": [thresholds]},
        "outlier_detection": {
            "consecutive_5xx": 5,
            "interval": _seconds(limits.rest_s / 3),
            "base_ejection_time": _seconds(limits.rest_s),
            "max_ejection_percent": 100,
        },
    }


def _seconds(value: float) -> str:
    return f"{value:g}s"


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": HOST, "port_value": port}}
