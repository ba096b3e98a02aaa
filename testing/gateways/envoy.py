"""Envoy as an edge proxy: least request, kept connections, retries on another host, outlier detection.

Streams may take long: no route time-out, as Envoy's own FAQ has it; buffers and limits are its defaults.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from testing.gateways.environments import ENVOY, environment
from testing.gateways.gateway import HOST, START_LIMIT_S, Endpoint, Policy, Pool, Running
from testing.process import answers, clean_environment, free_port, pinned, running

CLUSTER = "providers"
RETRIABLE = (429, 500, 502, 503, 504)
HTTP_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
HTTP_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
PREVIOUS_PRIORITIES = (
    "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
)
"""A retry goes to the next tier."""
CONNECTIONS_MAX = 100_000


class Envoy:
    name = "Envoy"

    def version(self) -> str:
        """Of "envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL"."""
        printed = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
        return printed.rpartition("version:")[2].split("/")[1]

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        folder.mkdir(parents=True, exist_ok=True)
        port, admin = free_port(), free_port()
        path = folder / "envoy.yaml"
        path.write_text(yaml.safe_dump(configuration(pool, port, admin), sort_keys=False))
        options = ["-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        command = pinned([str(program()), *options], core)
        ready, log = f"http://{HOST}:{admin}/ready", folder / "envoy.log"
        with running(command, clean_environment(), log, lambda: answers(ready), START_LIMIT_S) as process:
            yield Running(f"http://{HOST}:{port}/v1", process.pid)


def program() -> Path:
    return next((environment("envoy", ENVOY).folder / "lib").glob("python*/site-packages/envoy/_bin/envoy"))


def configuration(pool: Pool, port: int, admin: int) -> Mapping[str, object]:
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [_listener(pool.endpoints[0], port, pool.policy)],
            "clusters": [_cluster(pool)],
        },
    }


def _listener(first: Endpoint, port: int, policy: Policy) -> Mapping[str, object]:
    manager = {
        "@type": HTTP_MANAGER,
        "stat_prefix": "clients",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route(first, policy)]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": HTTP_ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"address": _address(port), "filter_chains": [{"filters": filters}]}


def _route(first: Endpoint, policy: Policy) -> Mapping[str, object]:
    return {
        "match": {"prefix": "/v1/"},
        "request_headers_to_add": [
            {
                "header": {"key": "Authorization", "value": f"Bearer {first.key}"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
        "route": {
            "cluster": CLUSTER,
            "prefix_rewrite": f"{first.path}/",
            "host_rewrite_literal": "api.example.com",
            "timeout": "0s",
            "idle_timeout": _seconds(policy.request_ms),
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset-before-request,reset,retriable-status-codes",
                "retriable_status_codes": list(RETRIABLE),
                "num_retries": policy.max_attempts - 1,
                "per_try_idle_timeout": _seconds(min(policy.first_token_ms, policy.inter_token_ms)),
                "retry_host_predicate": [
                    {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": PREVIOUS_HOSTS}}
                ],
                "host_selection_retry_max_attempts": 3,
                "retry_priority": {
                    "name": "envoy.retry_priorities.previous_priorities",
                    "typed_config": {"@type": PREVIOUS_PRIORITIES, "update_frequency": 1},
                },
            },
        },
    }


def _cluster(pool: Pool) -> Mapping[str, object]:
    policy = pool.policy
    localities = [
        {
            "priority": priority,
            "lb_endpoints": [{"endpoint": {"address": _address(one.port)}} for one in tier],
        }
        for priority, tier in enumerate(pool.tiers)
    ]
    thresholds = {
        "max_connections": CONNECTIONS_MAX,
        "max_pending_requests": CONNECTIONS_MAX,
        "max_requests": CONNECTIONS_MAX,
        "max_retries": CONNECTIONS_MAX,
    }
    return {
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": _seconds(policy.connect_ms),
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": localities},
        "circuit_breakers": {"thresholds": [thresholds]},
        "outlier_detection": {
            "consecutive_5xx": policy.consecutive_failures,
            "interval": _seconds(policy.recovery_timeout_ms / 3),
            "base_ejection_time": _seconds(policy.recovery_timeout_ms),
            "max_ejection_percent": 100,
        },
    }


def _seconds(value_ms: float) -> str:
    return f"{value_ms / 1000:g}s"


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": HOST, "port_value": port}}
