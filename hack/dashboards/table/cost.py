"""What does a pool cost, and what is it worth?"""

from hack.dashboards.panels import PRICE, Dashboard, Kind, Panel, Query, Row, Step
from hack.dashboards.table.shared import (
    ANSWERED,
    FIRST_SHARE,
    GAINED,
    GREEN,
    KINDS,
    ORANGE,
    POOL_SHARE,
    RED,
    SHARE,
    YELLOW,
    rate,
)

COST = Dashboard(
    "cost",
    "Poolkeeper: cost and return",
    "What does each endpoint cost, what is wasted, and what were the avoided outages worth?",
    (
        Row(
            "Return",
            (
                Panel(
                    "Answered by the pool",
                    Kind.STAT,
                    "Of the requests in this time that the pool owed an answer.",
                    (Query(POOL_SHARE),),
                    unit="percentunit",
                    width=4,
                    height=5,
                    steps=SHARE,
                    decimals=3,
                ),
                Panel(
                    "First choice alone",
                    Kind.STAT,
                    "What the first endpoint of the first tier alone would have answered: its own answers, "
                    "its failures, and the requests that came while it was down.",
                    (Query(FIRST_SHARE),),
                    unit="percentunit",
                    width=4,
                    height=5,
                    steps=SHARE,
                    decimals=3,
                ),
                Panel(
                    "Outage avoided",
                    Kind.STAT,
                    "The difference of the two, as minutes of this time.",
                    (Query(f"{GAINED} * $__range_s / 60"),),
                    unit="m",
                    width=4,
                    height=5,
                    decimals=1,
                ),
                Panel(
                    "Worth",
                    Kind.STAT,
                    "These minutes, at the price of an hour without answers (above: Price of an hour).",
                    (Query(f"{GAINED} * $__range_s / 3600 * {PRICE}"),),
                    unit="short",
                    width=4,
                    height=5,
                    decimals=2,
                ),
                Panel(
                    "Cost of the pool",
                    Kind.STAT,
                    "In this time, all attempts included.",
                    (Query("sum by (currency) (increase(poolkeeper_cost_total{@}[$__range]))", "{{currency}}"),),
                    width=4,
                    height=5,
                    decimals=4,
                ),
                Panel(
                    "Return",
                    Kind.STAT,
                    "Worth, less the cost of the pool.",
                    (
                        Query(
                            f"scalar({GAINED} * $__range_s / 3600 * {PRICE}) "
                            "- sum by (currency) (increase(poolkeeper_cost_total{@}[$__range]))",
                            "{{currency}}",
                        ),
                    ),
                    width=4,
                    height=5,
                    steps=(Step(None, RED), Step(0, GREEN)),
                    decimals=2,
                ),
            ),
        ),
        Row(
            "Money",
            (
                Panel(
                    "Cost an hour, by endpoint",
                    Kind.STACK,
                    "As of this moment, projected to an hour.",
                    (
                        Query(
                            rate("poolkeeper_cost_total", "endpoint, currency") + " * 3600",
                            "{{endpoint}} {{currency}}",
                        ),
                    ),
                ),
                Panel(
                    "Cost an hour, by what became of it",
                    Kind.STACK,
                    "answer: a caller got it whole. The rest bought no answer: retries, slower hedges, cut streams.",
                    (Query(rate("poolkeeper_spend_total", "kind") + " * 3600", "{{kind}}"),),
                    colours=KINDS,
                ),
                Panel(
                    "Cost of a thousand answers",
                    Kind.STAT,
                    "All attempts, by the answers that callers got.",
                    (
                        Query(
                            "1000 * sum by (currency) (increase(poolkeeper_cost_total{@}[$__range])) "
                            "/ on () group_left () "
                            f"sum(increase(poolkeeper_responses_total{{@,{ANSWERED}}}[$__range]))",
                            "{{currency}}",
                        ),
                    ),
                    width=4,
                    decimals=3,
                ),
                Panel(
                    "Spent without an answer",
                    Kind.STAT,
                    "The share of the cost that went to retries, slower hedges and cut streams.",
                    (
                        Query(
                            'sum(increase(poolkeeper_spend_total{@,kind!="answer"}[$__range])) '
                            "/ sum(increase(poolkeeper_spend_total{@}[$__range]))"
                        ),
                    ),
                    unit="percentunit",
                    width=4,
                    steps=(Step(None, GREEN), Step(0.05, YELLOW), Step(0.2, ORANGE)),
                    decimals=1,
                ),
                Panel(
                    "Left on the account",
                    Kind.TABLE,
                    "As the last health check said, where the provider says it.",
                    (Query("min by (endpoint, currency) (poolkeeper_endpoint_balance{@})", column="left"),),
                    width=8,
                    decimals=2,
                ),
                Panel(
                    "Cost in this time",
                    Kind.TABLE,
                    "By endpoint, model and what became of the attempt.",
                    (
                        Query(
                            "sum by (endpoint, model, kind, currency) "
                            "(increase(poolkeeper_spend_total{@}[$__range])) > 0",
                            column="cost",
                        ),
                    ),
                    width=8,
                    decimals=4,
                ),
            ),
        ),
        Row(
            "Who",
            (
                Panel(
                    "Cost an hour, by client",
                    Kind.STACK,
                    "Without a name: anybody (`access.mode: Open`).",
                    (
                        Query(
                            rate("poolkeeper_client_spend_total", "client, currency") + " * 3600",
                            "client {{client}} {{currency}}",
                        ),
                    ),
                    width=8,
                ),
                Panel(
                    "Cost an hour, by model",
                    Kind.STACK,
                    "By the name that clients use.",
                    (Query(rate("poolkeeper_spend_total", "model, currency") + " * 3600", "{{model}} {{currency}}"),),
                    width=8,
                ),
                Panel(
                    "Tokens a second",
                    Kind.STACK,
                    "cached_input is a part of input, reasoning of output.",
                    (Query(rate("poolkeeper_tokens_total", "type"), "{{type}}"),),
                    width=8,
                ),
            ),
        ),
    ),
)
