"""What fails, and do callers notice?"""

from hack.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Step
from hack.dashboards.table.shared import (
    CLASSES,
    GREEN,
    ORANGE,
    OWED,
    POOL_SHARE,
    RED,
    WHAT_CALLERS_GOT,
    rate,
    rate_of_seen,
)

ERRORS = Dashboard(
    "errors",
    "Poolkeeper: errors",
    "What fails, of which class, at which endpoint, and do callers notice?",
    (
        Row(
            "Callers",
            (
                WHAT_CALLERS_GOT,
                Panel(
                    "Error budget that is left",
                    Kind.STAT,
                    "Of 0.1 % of the requests in this time. Below 0: more failed than that.",
                    (Query(f"1 - (1 - {POOL_SHARE}) / 0.001"),),
                    unit="percentunit",
                    width=6,
                    steps=(Step(None, RED), Step(0, ORANGE), Step(0.5, GREEN)),
                    decimals=0,
                ),
                Panel(
                    "Not answered",
                    Kind.STAT,
                    "Requests in this time, by outcome.",
                    (
                        Query(
                            "sum by (outcome) (increase(poolkeeper_responses_total"
                            '{@,outcome=~"error|cut|shed|default|empty"}[$__range]))',
                            "{{outcome}}",
                        ),
                    ),
                    width=6,
                    decimals=0,
                ),
                Panel(
                    "Not answered, by client",
                    Kind.STACK,
                    "Requests a second without an answer. No name: anybody (`access.mode: Open`).",
                    (
                        Query(
                            rate("poolkeeper_responses_total", "client", f',{OWED},outcome!~"ok|degraded|cache"'),
                            "client {{client}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Panel(
                    "Refused because there are too many",
                    Kind.STACK,
                    "By the code of the error. `client_limit`: that client alone.",
                    (Query(rate("poolkeeper_shed_total", "code"), "{{code}}"),),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            "Endpoints",
            (
                Panel(
                    "Failed attempts, by class",
                    Kind.STACK,
                    "Most of them nobody notices: another endpoint answers. docs/concepts.md explains the classes.",
                    (
                        Query(
                            rate_of_seen("poolkeeper_upstream_errors_total", "class"),
                            "{{class}}",
                        ),
                    ),
                    unit="reqps",
                    width=24,
                    colours=CLASSES,
                ),
                Panel(
                    "429 of providers",
                    Kind.LINES,
                    "They limit our rate. No fault of theirs: lower the traffic, or ask for more.",
                    (Query(rate("poolkeeper_upstream_responses_total", "endpoint", ',status="429"'), "{{endpoint}}"),),
                    unit="reqps",
                ),
                Panel(
                    "5xx of providers",
                    Kind.LINES,
                    "They fail, by status.",
                    (
                        Query(
                            rate_of_seen("poolkeeper_upstream_responses_total", "endpoint, status", ',status=~"5.."'),
                            "{{endpoint}} {{status}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Panel(
                    "Failed attempts in this time",
                    Kind.TABLE,
                    "By endpoint and class.",
                    (
                        Query(
                            "sum by (endpoint, class) (increase(poolkeeper_upstream_errors_total{@}[$__range])) > 0",
                            column="attempts",
                        ),
                    ),
                    decimals=0,
                ),
                Panel(
                    "Failovers, by reason",
                    Kind.STACK,
                    "Attempts on another endpoint because one failed.",
                    (Query(rate_of_seen("poolkeeper_failovers_total", "reason"), "{{reason}}"),),
                    unit="reqps",
                    colours=CLASSES,
                ),
                Panel(
                    "Streams that broke off",
                    Kind.STACK,
                    "Continued or begun again by another endpoint; the caller sees one answer.",
                    (Query(rate("poolkeeper_stream_recoveries_total", "how"), "{{how}}"),),
                    unit="reqps",
                ),
            ),
        ),
    ),
)
