"""What several dashboards share: colours with a meaning, shares of answers, panels that are shown twice."""

from hack.dashboards.panels import Kind, Panel, Query, State, Step

GREEN, YELLOW, ORANGE, RED, PURPLE, BLUE, GREY = (
    "#2e9e5b", "#e0b400", "#f2883b", "#d03b3b", "#8f5bd6", "#3b7dd8", "#8a8f98",
)  # fmt: skip

OUTCOMES = {
    "ok": GREEN,
    "degraded": "#8cc63f",
    "cache": "#5bc0b0",
    "client_gone": GREY,
    "refused": BLUE,
    "empty": YELLOW,
    "shed": ORANGE,
    "default": "#c06c2b",
    "cut": PURPLE,
    "error": RED,
}
"""Green: answered. Blue and grey: the caller's own doing. The rest is what the pool owes."""
CLASSES = {
    "RateLimited": YELLOW,
    "Busy": ORANGE,
    "ServerError": RED,
    "Connect": "#7a1f1f",
    "ProxyFailed": "#a05050",
    "SlowFirstToken": PURPLE,
    "Stalled": "#b48ae0",
    "Truncated": "#d66bb0",
    "Empty": "#c9a0c0",
    "Credential": BLUE,
    "ModelMissing": "#5aa9e6",
    "ContextTooLong": "#7fb8a8",
    "Incompatible": "#4f9a94",
    "Deadline": "#555555",
    "ClientFault": "#b0b4ba",
    "ClientGone": GREY,
    "Outpaced": "#cfd2d6",
}
KINDS = {"answer": GREEN, "retry": ORANGE, "hedge": BLUE, "cut": PURPLE}
BREAKER = (State(0, "closed", GREEN), State(1, "half-open", YELLOW), State(2, "open", RED))
TIER = (
    State(-1, "none", RED),
    State(0, "tier 0", GREEN),
    State(1, "tier 1", YELLOW),
    State(2, "tier 2", ORANGE),
    State(3, "tier 3", PURPLE),
)
REST = (State(0, "gets requests", GREEN), State(1, "no requests", RED))
SHARE = (Step(None, RED), Step(0.9, ORANGE), Step(0.99, YELLOW), Step(0.999, GREEN))
NONE_IS_GOOD = (Step(None, GREEN), Step(1, ORANGE))

ANSWERED = 'outcome=~"ok|degraded|cache"'
OWED = 'outcome!~"refused|client_gone"'
"""Every request but those that the caller spoiled or left."""
POOL_SHARE = (
    f"sum(increase(poolkeeper_responses_total{{@,{ANSWERED}}}[$__range])) "
    f"/ sum(increase(poolkeeper_responses_total{{@,{OWED}}}[$__range]))"
)
_JUDGED = 'sum by (namespace, pool, model) (rate(poolkeeper_first_choice_total{@,outcome=~"%s"}[$__rate_interval]))'
_ALL, _UP = _JUDGED % ".*", _JUDGED % "answered|failed|unknown"
_GOT, _TRIED = _JUDGED % "answered", _JUDGED % "answered|failed"
FIRST_SHARE = (
    f"sum(sum_over_time(({_UP} * ({_GOT} / ({_TRIED} > 0) or {_UP} ^ 0))[$__range:$__rate_interval])) "
    f"/ sum(sum_over_time({_ALL}[$__range:$__rate_interval]))"
)
"""Moment by moment: of the requests that came while the first choice was not known to be down, the share that it
answered of those that it got then; all of them where it got none, because others were as good. Summed over the whole
time, requests that others took would be missing, and the first choice would look worse than it was."""
GAINED = f"clamp_min({POOL_SHARE} - {FIRST_SHARE}, 0)"
SINCE = "max by (namespace, pool, endpoint, cause) (poolkeeper_endpoint_unavailable_since_seconds{@})"
NO_FAULT = 'class!~"ClientGone|Outpaced|ClientFault|ContextTooLong|Incompatible"'
"""Failed attempts that say something of the endpoint."""


def quantile(family: str, percent: int, by: str, where: str = "") -> str:
    series = f"{family}_bucket{{@{where}}}"
    return f"histogram_quantile(0.{percent}, sum by ({by}, le) (rate({series}[$__rate_interval])))"


def percentiles(title: str, family: str, by: str, legend: str, about: str, where: str = "") -> tuple[Panel, ...]:
    """P50, P90 and P99 beside each other: what is usual, what is slow, what hurts."""
    return tuple(
        Panel(
            f"{title}, P{percent}",
            Kind.LINES,
            about,
            (Query(quantile(family, percent, by, where), legend),),
            unit="s",
            width=8,
        )
        for percent in (50, 90, 99)
    )


def rate_of_seen(family: str, by: str, where: str = "") -> str:
    """Only of those that there were in the time shown: else each class there is has its line at 0."""
    return f"{rate(family, by, where)} and on ({by}) sum by ({by}) (increase({family}{{@{where}}}[$__range])) > 0"


def rate(family: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate({family}{{@{where}}}[$__rate_interval]))"


SERVING_TIER = Panel(
    "Serving tier",
    Kind.STATES,
    "The lowest tier that can serve a model, at the router that sees it worst. Not 0: a failover is active.",
    (Query("max by (namespace, pool, model) (poolkeeper_active_tier{@})", "{{pool}} {{model}}"),),
    states=TIER,
)
WHAT_CALLERS_GOT = Panel(
    "What callers got",
    Kind.STACK,
    "Requests a second, by outcome. Green: answered. Blue and grey: the caller's own doing. The rest: the pool failed.",
    (Query(rate("poolkeeper_responses_total", "outcome"), "{{outcome}}"),),
    unit="reqps",
    colours=OUTCOMES,
)
SINCE_WHEN = Panel(
    "No requests, since when",
    Kind.TABLE,
    "Endpoints that get no requests, or only half-open ones: why, and for how long.",
    (Query(f"time() - ({SINCE} > 0)", column="for"),),
    unit="s",
)
