"""Envoy in front of a pool's Service, configured as Envoy Gateway renders an HTTPRoute: the names and values of its
translator's own test data (envoyproxy/gateway, internal/xds/translator/testdata/out/xds-ir), read in November 2026.

Its two settings that matter to streams: `timeouts.request: 0s` of the route becomes `timeout: 0s` and an idle time-out
of an hour; without it the route has none, and Envoy's own 15 s apply. A retry policy is there only if somebody asks for
it. Everything else is what everybody gets.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from testing.gateways.envoy import HTTP_MANAGER, HTTP_ROUTER, program
from testing.gateways.gateway import HOST, START_LIMIT_S
from testing.process import answers, clean_environment, free_port, running

UNLIMITED: Mapping[str, object] = {"timeout": "0s", "idle_timeout": "3600s"}
UNSET: Mapping[str, object] = {}
RETRIES: Mapping[str, object] = {
    "retry_policy": {
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "retriable_status_codes": [503],
        "num_retries": 2,
        "host_selection_retry_max_attempts": 5,
    }
}
"""A BackendTrafficPolicy with `retry: {}`."""


@contextmanager
def edge(folder: Path, backend_port: int, route: Mapping[str, object]) -> Iterator[str]:
    """The base URL for clients."""
    folder.mkdir(parents=True, exist_ok=True)
    port, admin = free_port(), free_port()
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(configuration(port, admin, backend_port, route), sort_keys=False))
    options = ["-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    ready = f"http://{HOST}:{admin}/ready"
    command = [str(program()), *options]
    with running(command, clean_environment(), folder / "edge.log", lambda: answers(ready), START_LIMIT_S):
        yield f"http://{HOST}:{port}"


def configuration(port: int, admin: int, backend_port: int, route: Mapping[str, object]) -> Mapping[str, object]:
    forward = {"cluster": "pool", "upgrade_configs": [{"upgrade_type": "websocket"}], **route}
    manager = {
        "@type": HTTP_MANAGER,
        "stat_prefix": "http-10080",
        "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
        "http2_protocol_options": {
            "initial_connection_window_size": 1048576,
            "initial_stream_window_size": 65536,
            "max_concurrent_streams": 100,
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": HTTP_ROUTER, "suppress_envoy_headers": True},
            }
        ],
        "merge_slashes": True,
        "normalize_path": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "route_config": {
            "name": "first-listener",
            "ignore_port_in_host_matching": True,
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": forward}]}
            ],
        },
    }
    listener = {
        "name": "first-listener",
        "address": _address(port),
        "per_connection_buffer_limit_bytes": 32768,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    cluster = {
        "name": "pool",
        "type": "STATIC",
        "connect_timeout": "10s",
        "lb_policy": "LEAST_REQUEST",
        "per_connection_buffer_limit_bytes": 32768,
        "circuit_breakers": {"thresholds": [{"max_retries": 1024}]},
        "outlier_detection": {},
        "load_assignment": {
            "cluster_name": "pool",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(backend_port)}}]}],
        },
    }
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": HOST, "port_value": port}}
