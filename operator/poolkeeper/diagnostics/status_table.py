"""The status of pools for a person on call: what serves, what does not, why, and since when. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolkeeper.api.reasons import GOOD, ConditionType, runbook
from poolkeeper.api.status import Condition, EndpointPoolStatus, EndpointStatus
from poolkeeper.local.run_record import PoolRecord

BREAKER_WORDS = {"Closed": "closed", "Open": "open", "HalfOpen": "half-open"}
WHOLE_COLUMNS = 100
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def page(
    pools: Sequence[PoolRecord], now: datetime, columns: int = WHOLE_COLUMNS, is_wide: bool = False
) -> RenderableType:
    """All pools in one table, then each pool with its endpoints and its bad conditions. columns: of the terminal; on a
    narrow one an address has a line of its own, so that it can be copied."""
    has_room = columns >= WHOLE_COLUMNS
    parts: list[RenderableType] = [_pools(pools, has_room, is_wide)]
    for pool in pools:
        parts += [Text(), Text(_name(pool), "bold")] if len(pools) > 1 else [Text()]
        wrong = [condition for condition in pool.status.conditions if not _is_good(condition)]
        parts += [_headline(pool.status, wrong)] if pool.status.headline else []
        parts += [] if has_room or not pool.status.address else [_address(pool.status.address)]
        parts.append(_endpoints(pool, now))
        parts += [_trouble(condition, pool.status.headline, now) for condition in wrong]
        parts += _to_do(pool, wrong)
    return Group(*parts)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: 42s, 3m, 2h, 5d."""
    seconds = max(0, int((now - since).total_seconds()))
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{seconds // size}{unit}"


def _address(address: str) -> Text:
    return Text(f"address: {address}", "dim", overflow="fold")


def _pools(pools: Iterable[PoolRecord], has_room: bool, is_wide: bool) -> Table:
    """is_wide: also what is declared; such a table is for a wide terminal or a file."""
    heads = ["POOL", "READY", "AVAILABLE", "HEALTHY", "TIER", "FAILOVER"]
    table = _table(*heads, *(["ADDRESS"] if has_room else []), *(["ROUTERS", "POLICY", "MODELS"] if is_wide else []))
    for pool in pools:
        status = pool.status
        tier = "-" if status.active_tier is None else str(status.active_tier)
        table.add_row(
            Text(_name(pool), "bold"),
            _answer(status, ConditionType.Ready),
            _answer(status, ConditionType.Available),
            status.summary or "-",
            tier,
            _failover(status),
            *([status.address or "-"] if has_room else []),
            *(_declared(status) if is_wide else []),
        )
    return table


def _declared(status: EndpointPoolStatus) -> list[str]:
    policy = status.effective_policy.name if status.effective_policy else ""
    return [f"{status.router.ready_replicas}/{status.router.replicas}", policy or "-", status.models or "-"]


def _name(pool: PoolRecord) -> str:
    return f"{pool.metadata.namespace}/{pool.metadata.name}"


def _endpoints(pool: PoolRecord, now: datetime) -> Table:
    regions = any(endpoint.region for endpoint in pool.status.endpoints)
    table = _table("ENDPOINT", "TIER", *(["REGION"] if regions else []), "HEALTH", "BREAKER", "SINCE", "WHY")
    for endpoint in _by_tier(pool):
        table.add_row(
            endpoint.name,
            str(endpoint.tier),
            *([Text(endpoint.region or "-")] if regions else []),
            Text(endpoint.health, {"Healthy": "green", "Unhealthy": "red", "Unknown": "yellow"}[endpoint.health]),
            Text(BREAKER_WORDS[endpoint.breaker], "green" if endpoint.breaker == "Closed" else "red"),
            age(endpoint.outage_since or endpoint.last_transition_time, now),
            _why(endpoint),
        )
    return table


def _why(endpoint: EndpointStatus) -> str:
    if endpoint.recovering_since and not endpoint.reason:
        return "recovering"
    return endpoint.reason or "-"


def _by_tier(pool: PoolRecord) -> list[EndpointStatus]:
    return sorted(pool.status.endpoints, key=lambda found: (found.tier, found.name))


def _headline(status: EndpointPoolStatus, wrong: Sequence[Condition]) -> Text:
    available = _find(status, ConditionType.Available)
    is_down = available is not None and available.status == "False"
    return Text(status.headline, "bold red" if is_down else "bold yellow" if wrong else "green")


def _trouble(condition: Condition, headline: str, now: datetime) -> Text:
    """Without its message where the headline has said it."""
    head = f"{condition.type}={condition.status} {condition.reason} for {age(condition.last_transition_time, now)}"
    is_shown = bool(headline) and (headline.partition("; ")[0] in condition.message or condition.message in headline)
    return Text.assemble(("! ", "yellow"), (head, "yellow"), "" if is_shown else f": {condition.message}")


def _to_do(pool: PoolRecord, wrong: Sequence[Condition]) -> list[Text]:
    """What to read next: about the first excluded endpoint, and the first bad condition."""
    out = [found.name for found in _by_tier(pool) if found.health == "Unhealthy" or found.breaker != "Closed"]
    ways = [f"poolkeeper explain {_name(pool)} {name}" for name in out[:1]]
    ways += [f"poolkeeper runbook {condition.reason}" for condition in wrong[:1] if runbook(condition.reason)]
    return [Text(f"what to do: {'; '.join(ways)}", "dim")] if wrong and ways else []


def _answer(status: EndpointPoolStatus, kind: ConditionType) -> Text:
    condition = _find(status, kind)
    seen = condition.status if condition else "Unknown"
    return Text({"True": "yes", "False": "no", "Unknown": "?"}[seen], "green" if seen == GOOD[kind] else "red")


def _failover(status: EndpointPoolStatus) -> Text:
    condition = _find(status, ConditionType.FailoverActive)
    if condition is None or condition.status == "Unknown":
        return Text("?", "yellow")
    return Text(condition.reason, "yellow") if condition.status == "True" else Text("no", "green")


def _find(status: EndpointPoolStatus, kind: ConditionType) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)


def _is_good(condition: Condition) -> bool:
    wanted = {kind.value: status for kind, status in GOOD.items()}
    return condition.status == wanted.get(condition.type, condition.status)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in ("WHY", "ADDRESS"))
    return table
