"""Which endpoint is broken, since when, and why?"""

from hack.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Step
from hack.dashboards.table.shared import (
    BREAKER,
    GREEN,
    NO_FAULT,
    ORANGE,
    RED,
    REST,
    SERVING_TIER,
    SINCE,
    SINCE_WHEN,
    YELLOW,
    quantile,
    rate,
)

HEALTH = Dashboard(
    "health",
    "Poolkeeper: health",
    "Which endpoint is broken, since when, and what keeps requests from it?",
    (
        Row(
            "Endpoints",
            (
                Panel(
                    "Attempts that succeed",
                    Kind.CELLS,
                    "A row an endpoint, a cell a moment: the share of attempts that did not fail. Empty: none.",
                    (
                        Query(
                            "1 - sum by (namespace, pool, endpoint) "
                            f"(rate(poolkeeper_upstream_errors_total{{@,{NO_FAULT}}}[$__rate_interval])) "
                            "/ (sum by (namespace, pool, endpoint) "
                            "(rate(poolkeeper_attempts_total{@}[$__rate_interval])) > 0)",
                            "{{pool}} {{endpoint}}",
                        ),
                    ),
                    unit="percentunit",
                    width=24,
                    steps=(Step(None, RED), Step(0.5, ORANGE), Step(0.9, YELLOW), Step(0.99, GREEN)),
                ),
                Panel(
                    "Why an endpoint gets no requests",
                    Kind.STATES,
                    "At any router. A cause that never was is not shown.",
                    (
                        Query(
                            f"({SINCE} > bool 0) and on (namespace, pool, endpoint, cause) "
                            f"max_over_time({SINCE}[$__range:]) > 0",
                            "{{endpoint}} {{cause}}",
                        ),
                    ),
                    states=REST,
                ),
                SINCE_WHEN,
                Panel(
                    "Breakers",
                    Kind.STATES,
                    "The worst of the routers and models. Half-open: a few requests find out.",
                    (
                        Query(
                            "max by (namespace, pool, endpoint) (poolkeeper_endpoint_breaker_state{@})",
                            "{{pool}} {{endpoint}}",
                        ),
                    ),
                    states=BREAKER,
                ),
                SERVING_TIER,
                Panel(
                    "Pool breaker",
                    Kind.STATES,
                    "Open: most requests fail, callers get the fallback at once.",
                    (Query("max by (namespace, pool) (poolkeeper_global_breaker_state{@})", "{{pool}}"),),
                    height=4,
                    states=BREAKER,
                ),
                Panel(
                    "Breakers opened",
                    Kind.STAT,
                    "How often, in this time. Many: the endpoint flaps.",
                    (
                        Query(
                            "sum by (endpoint) "
                            '(increase(poolkeeper_breaker_transitions_total{@,to="Open",endpoint!=""}[$__range]))',
                            "{{endpoint}}",
                        ),
                    ),
                    height=4,
                    decimals=0,
                ),
            ),
        ),
        Row(
            "Load",
            (
                Panel(
                    "Attempts a second",
                    Kind.STACK,
                    "Who serves, by endpoint.",
                    (Query(rate("poolkeeper_attempts_total", "endpoint"), "{{endpoint}}"),),
                    unit="reqps",
                    width=8,
                ),
                Panel(
                    "In flight",
                    Kind.LINES,
                    "Of all routers. At the dashed limit, requests wait or go elsewhere.",
                    (
                        Query("sum by (endpoint) (poolkeeper_in_flight{@})", "{{endpoint}}"),
                        Query("sum by (endpoint) (poolkeeper_concurrency_limit{@})", "{{endpoint}} limit"),
                    ),
                    width=8,
                ),
                Panel(
                    "Weight",
                    Kind.LINES,
                    "What balancing makes of weight, latency, price and probes.",
                    (Query("avg by (endpoint) (poolkeeper_endpoint_weight{@})", "{{endpoint}}"),),
                    width=8,
                ),
            ),
        ),
        Row(
            "Routers",
            (
                Panel(
                    "Routers",
                    Kind.STAT,
                    "That Prometheus scrapes.",
                    (Query("count by (namespace, pool) (poolkeeper_config_generation{@})", "{{pool}}"),),
                    width=4,
                ),
                Panel(
                    "Memory of workers",
                    Kind.LINES,
                    "Resident, of each worker process.",
                    (Query("max by (pod, worker) (poolkeeper_worker_memory_bytes{@})", "{{pod}} {{worker}}"),),
                    unit="bytes",
                    width=10,
                ),
                Panel(
                    "Event loop lag, P99",
                    Kind.LINES,
                    "How long one task held a worker. Above 0.1 s, first tokens wait for it.",
                    (Query(quantile("poolkeeper_event_loop_lag_seconds", 99, "pod"), "{{pod}}"),),
                    unit="s",
                    width=10,
                ),
            ),
        ),
    ),
)
