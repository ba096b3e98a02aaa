"""Is a pool in trouble? One look over all of them."""

from hack.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Step
from hack.dashboards.table.shared import (
    FIRST_SHARE,
    GREEN,
    NONE_IS_GOOD,
    POOL_SHARE,
    RED,
    SERVING_TIER,
    SHARE,
    SINCE,
    SINCE_WHEN,
    WHAT_CALLERS_GOT,
    YELLOW,
)

OVERVIEW = Dashboard(
    "overview",
    "Poolkeeper: overview",
    "Is a pool in trouble? What broke, since when, and what does it cost?",
    (
        Row(
            "Now",
            (
                Panel(
                    "Answered",
                    Kind.STAT,
                    "Of the requests in this time that the pool owed an answer, the share that got one.",
                    (Query(POOL_SHARE),),
                    unit="percentunit",
                    width=4,
                    height=4,
                    steps=SHARE,
                    decimals=3,
                ),
                Panel(
                    "First choice alone",
                    Kind.STAT,
                    "The share that the first endpoint of the first tier alone would have answered.",
                    (Query(FIRST_SHARE),),
                    unit="percentunit",
                    width=4,
                    height=4,
                    steps=SHARE,
                    decimals=3,
                ),
                Panel(
                    "Requests a second",
                    Kind.STAT,
                    "Of callers.",
                    (Query("sum(rate(poolkeeper_responses_total{@}[$__rate_interval]))"),),
                    unit="reqps",
                    width=4,
                    height=4,
                ),
                Panel(
                    "First token, P99",
                    Kind.STAT,
                    "One stream in a hundred waits longer, failed attempts included.",
                    (
                        Query(
                            "histogram_quantile(0.99, sum by (le) "
                            "(increase(poolkeeper_request_first_token_seconds_bucket{@}[$__range])))"
                        ),
                    ),
                    unit="s",
                    width=4,
                    height=4,
                    steps=(Step(None, GREEN), Step(1, YELLOW), Step(3, RED)),
                    decimals=2,
                ),
                Panel(
                    "Endpoints without requests",
                    Kind.STAT,
                    "Kept out by a breaker, a backoff, a health check, a refused API key or a probe.",
                    (Query(f"count(max by (namespace, pool, endpoint) ({SINCE}) > 0) or vector(0)"),),
                    width=4,
                    height=4,
                    steps=NONE_IS_GOOD,
                ),
                Panel(
                    "Cost an hour",
                    Kind.STAT,
                    "By the declared prices, all attempts included.",
                    (Query("sum by (currency) (rate(poolkeeper_cost_total{@}[$__range])) * 3600", "{{currency}}"),),
                    width=4,
                    height=4,
                    decimals=2,
                ),
            ),
        ),
        Row(
            "Since when",
            (
                Panel(
                    "Alerts",
                    Kind.TABLE,
                    "Alerts of Poolkeeper that fire now. Their pages: docs/alerts.",
                    (
                        Query(
                            "max by (alertname, severity, namespace, pool, endpoint) "
                            '(ALERTS{alertname=~"Poolkeeper.*",alertstate="firing"})',
                            column="fires",
                        ),
                    ),
                ),
                SINCE_WHEN,
                SERVING_TIER,
                WHAT_CALLERS_GOT,
            ),
        ),
    ),
)
