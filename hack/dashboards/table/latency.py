"""How long do callers wait, and for which endpoint?"""

from hack.dashboards.panels import Dashboard, Kind, Panel, Query, Row
from hack.dashboards.table.shared import percentiles, rate

LATENCY = Dashboard(
    "latency",
    "Poolkeeper: latency",
    "How long do callers wait, and for which endpoint?",
    (
        Row(
            "What callers wait",
            (
                *percentiles(
                    "First token",
                    "poolkeeper_request_first_token_seconds",
                    "model",
                    "{{model}}",
                    "From a streamed request's arrival to its first content, failed attempts included.",
                ),
                *percentiles(
                    "Whole answer",
                    "poolkeeper_request_duration_seconds",
                    "model, mode",
                    "{{model}} {{mode}}",
                    "From a request's arrival to the end of its answer.",
                ),
                Panel(
                    "First tokens",
                    Kind.BUCKETS,
                    "How many streams waited how long: a second band is another endpoint, or a failover.",
                    (
                        Query(
                            "sum by (le) "
                            "(increase(poolkeeper_request_first_token_seconds_bucket{@}[$__rate_interval]))",
                            "{{le}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    "Attempts a request",
                    Kind.LINES,
                    "1: the first endpoint answers. More: retries and hedges, which callers wait for.",
                    (
                        Query(
                            "sum by (model) (rate(poolkeeper_request_attempts_sum{@}[$__rate_interval])) "
                            "/ (sum by (model) (rate(poolkeeper_request_attempts_count{@}[$__rate_interval])) > 0)",
                            "{{model}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Endpoints",
            (
                *percentiles(
                    "First token of an endpoint",
                    "gen_ai_server_time_to_first_token_seconds",
                    "endpoint",
                    "{{endpoint}}",
                    "From an attempt's start to its first content. No line: it gives none; see Errors.",
                ),
                *percentiles(
                    "Time per token",
                    "gen_ai_server_time_per_output_token_seconds",
                    "endpoint",
                    "{{endpoint}}",
                    "Between tokens, after the first.",
                ),
                Panel(
                    "Queue: how the wait ended",
                    Kind.STACK,
                    "Requests a second that waited for a free connection.",
                    (Query(rate("poolkeeper_queue_wait_seconds_count", "outcome"), "{{outcome}}"),),
                    unit="reqps",
                ),
                Panel(
                    "Hedges and failovers",
                    Kind.LINES,
                    "Requests a second that needed another endpoint: it was faster, or the first one failed.",
                    (
                        Query("sum(rate(poolkeeper_hedges_total{@}[$__rate_interval]))", "hedges"),
                        Query("sum(rate(poolkeeper_failovers_total{@}[$__rate_interval]))", "failovers"),
                    ),
                    unit="reqps",
                ),
            ),
        ),
    ),
)
