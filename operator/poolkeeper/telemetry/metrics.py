"""Every metric of the operator, in one table. Labels come from specs and from our own code, never from traffic."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from poolkeeper import __version__
from poolkeeper.telemetry.pool_gauges import PoolGauges, Rest

CONTENT_TYPE = CONTENT_TYPE_LATEST

RECONCILE_TOTAL = "poolkeeper_reconcile_total"
RECONCILE_DURATION = "poolkeeper_reconcile_duration_seconds"
QUEUE_DEPTH = "poolkeeper_reconcile_queue_depth"
QUEUE_OLDEST = "poolkeeper_reconcile_queue_oldest_seconds"
KUBE_WRITES_TOTAL = "poolkeeper_kube_writes_total"
CHILDREN_CONTESTED = "poolkeeper_children_contested"
ROLLOUTS_WAITING = "poolkeeper_rollouts_waiting"
WATCH_AGE = "poolkeeper_watch_age_seconds"
NAMESPACE_READABLE = "poolkeeper_namespace_readable"
ROUTER_REPORTS_TOTAL = "poolkeeper_router_reports_total"
ROUTERS_SILENT = "poolkeeper_routers_silent_rounds"
POOL_CONDITION = "poolkeeper_pool_condition"
PROBE_COST_TOTAL = "poolkeeper_probe_cost_total"
PROBE_VERDICT = "poolkeeper_probe_verdict"
PROBE_REASON = "poolkeeper_probe_reason"
CERTIFICATE_EXPIRY = "poolkeeper_certificate_expiry_timestamp_seconds"
STANDBY_STATE = "poolkeeper_standby_state"
PROBE_TIMESTAMP = "poolkeeper_probe_timestamp_seconds"
POOL_RECONCILED = "poolkeeper_pool_reconciled_timestamp_seconds"
POOL_FAILING = "poolkeeper_pool_reconcile_failing_since_seconds"
KUBE_WRITE_ERRORS_TOTAL = "poolkeeper_kube_write_errors_total"
LEADER = "poolkeeper_leader"
LEASE_TRANSITIONS = "poolkeeper_lease_transitions"
LOOP_LAG = "poolkeeper_operator_loop_lag_seconds"
BUILD_INFO = "poolkeeper_build_info"

OF_POOL = (
    POOL_CONDITION,
    CERTIFICATE_EXPIRY,
    PROBE_REASON,
    PROBE_VERDICT,
    STANDBY_STATE,
    PROBE_TIMESTAMP,
    POOL_RECONCILED,
    POOL_FAILING,
)
"""Gauges whose first labels are a pool's namespace and name."""
RESULTS = ("ok", "gone", "retry", "refused", "bug")
WRITES = ("apply", "create", "update", "patch", "delete")
WRITE_ERRORS = ("retry", "refused")


class Family(NamedTuple):
    """A metric, as in docs/reference/metrics.md. kind: counter, gauge or histogram. buckets: its upper bounds."""

    kind: str
    words: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


TABLE: Mapping[str, Family] = {
    RECONCILE_TOTAL: Family("counter", "Reconciliations of a pool or policy.", ("result",)),
    RECONCILE_DURATION: Family(
        "histogram",
        "Duration of a reconciliation.",
        (),
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    ),
    QUEUE_DEPTH: Family("gauge", "Pools and policies that are due and wait for a worker."),
    QUEUE_OLDEST: Family("gauge", "Age of the oldest pool or policy that waits or is being reconciled."),
    KUBE_WRITES_TOTAL: Family("counter", "Writes to the Kubernetes API that succeeded.", ("kind", "verb")),
    KUBE_WRITE_ERRORS_TOTAL: Family("counter", "Writes to the Kubernetes API that failed.", ("kind", "verb", "result")),
    ROLLOUTS_WAITING: Family("gauge", "Pools that wait for new router Pods after a change of the operator's own."),
    CHILDREN_CONTESTED: Family("gauge", "Objects of pools that something else changes each time they are restored."),
    WATCH_AGE: Family(
        "gauge",
        "Seconds since this kind was last listed, or its watch last was opened or reported something.",
        ("kind",),
    ),
    NAMESPACE_READABLE: Family("gauge", "1 while the operator can read a watched namespace, else 0.", ("namespace",)),
    ROUTER_REPORTS_TOTAL: Family("counter", "Answers of router Pods to GET /state, by result.", ("result",)),
    ROUTERS_SILENT: Family("gauge", "Polling rounds in a row without an answer from any router of any pool."),
    POOL_CONDITION: Family("gauge", "A pool's condition: 1 True, 0 False, -1 Unknown.", ("namespace", "pool", "type")),
    CERTIFICATE_EXPIRY: Family(
        "gauge",
        "When the certificate of an endpoint expires, as the last probe run saw it.",
        ("namespace", "pool", "endpoint"),
    ),
    PROBE_COST_TOTAL: Family("counter", "Cost of probing, counted by this process.", ("namespace", "pool", "currency")),
    PROBE_REASON: Family(
        "gauge", "1; why the probe status of an endpoint is not Healthy.", ("namespace", "pool", "endpoint", "reason")
    ),
    PROBE_VERDICT: Family(
        "gauge",
        "Probe status of an endpoint: 1 Healthy, 0.5 Grey, 0 Unhealthy.",
        ("namespace", "pool", "endpoint"),
    ),
    STANDBY_STATE: Family(
        "gauge", "1; the state of an endpoint's cold standby.", ("namespace", "pool", "endpoint", "state")
    ),
    PROBE_TIMESTAMP: Family(
        "gauge", "When the last run finished that the probe status comes from.", ("namespace", "pool")
    ),
    POOL_RECONCILED: Family("gauge", "When a pool was last reconciled with success.", ("namespace", "pool")),
    POOL_FAILING: Family(
        "gauge",
        "Since when each reconciliation of a pool has failed; 0: the last one succeeded.",
        ("namespace", "pool"),
    ),
    LEADER: Family("gauge", "1 while this process holds the Lease and works; more than one in all is a fault."),
    LEASE_TRANSITIONS: Family("gauge", "How often the Lease has changed hands, as this process last read it."),
    LOOP_LAG: Family(
        "histogram",
        "How late the event loop was: so long did one task hold it.",
        (),
        (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
    ),
    BUILD_INFO: Family("gauge", "1; the version of the operator.", ("version",)),
}

_VALUES = {"True": 1.0, "False": 0.0}
_STATUS_VALUES = {"Healthy": 1.0, "Grey": 0.5, "Unhealthy": 0.0}


class Metrics:
    """One registry a process; made, not global, so that tests have their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._reconciled = Counter(*self._named(RECONCILE_TOTAL), registry=self._registry)
        self._duration = Histogram(
            *self._named(RECONCILE_DURATION),
            buckets=TABLE[RECONCILE_DURATION].buckets,
            registry=self._registry,
        )
        self._queue_depth = Gauge(*self._named(QUEUE_DEPTH), registry=self._registry)
        self._queue_oldest = Gauge(*self._named(QUEUE_OLDEST), registry=self._registry)
        self._writes = Counter(*self._named(KUBE_WRITES_TOTAL), registry=self._registry)
        self._waiting = Gauge(*self._named(ROLLOUTS_WAITING), registry=self._registry)
        self._contested = Gauge(*self._named(CHILDREN_CONTESTED), registry=self._registry)
        self._watch_age = Gauge(*self._named(WATCH_AGE), registry=self._registry)
        self._readable = Gauge(*self._named(NAMESPACE_READABLE), registry=self._registry)
        self._reports = Counter(*self._named(ROUTER_REPORTS_TOTAL), registry=self._registry)
        self._silent = Gauge(*self._named(ROUTERS_SILENT), registry=self._registry)
        self._pools = PoolGauges({name: (TABLE[name].words, TABLE[name].labels) for name in OF_POOL})
        self._registry.register(self._pools)
        self._probe_cost = Counter(*self._named(PROBE_COST_TOTAL), registry=self._registry)
        self._write_errors = Counter(*self._named(KUBE_WRITE_ERRORS_TOTAL), registry=self._registry)
        self._leader = Gauge(*self._named(LEADER), registry=self._registry)
        self._lease_transitions = Gauge(*self._named(LEASE_TRANSITIONS), registry=self._registry)
        self._loop_lag = Histogram(*self._named(LOOP_LAG), buckets=TABLE[LOOP_LAG].buckets, registry=self._registry)
        Gauge(*self._named(BUILD_INFO), registry=self._registry).labels(__version__).set(1)
        for result in RESULTS:
            self._reconciled.labels(result)
        for answer in ("ok", "failed"):
            self._reports.labels(answer)

    @staticmethod
    def _named(name: str) -> tuple[str, str, tuple[str, ...]]:
        return name, TABLE[name].words, TABLE[name].labels

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciled.labels(result).inc()
        self._duration.observe(seconds)

    def wrote(self, kind: str, verb: str) -> None:
        self._writes.labels(kind, verb).inc()

    def write_failed(self, kind: str, verb: str, result: str) -> None:
        self._write_errors.labels(kind, verb, result).inc()

    def expect_writes(self, kinds: Iterable[str]) -> None:
        """From now on they are there, at 0."""
        for kind in kinds:
            for verb in WRITES:
                self._writes.labels(kind, verb)
                for result in WRITE_ERRORS:
                    self._write_errors.labels(kind, verb, result)

    def rollouts_waiting(self, pools: int) -> None:
        self._waiting.set(pools)

    def children_contested(self, count: int) -> None:
        self._contested.set(count)

    def router_reported(self, result: str) -> None:
        self._reports.labels(result).inc()

    def routers_silent(self, rounds: int) -> None:
        self._silent.set(rounds)

    def lease_transitions(self, count: int) -> None:
        self._lease_transitions.set(count)

    def loop_lagged(self, seconds: float) -> None:
        self._loop_lag.observe(max(0.0, seconds))

    def leading(self, leads: bool) -> None:
        self._leader.set(float(leads))

    def pool_condition(self, namespace: str, pool: str, kind: str, status: str) -> None:
        self._pools.set(POOL_CONDITION, (namespace, pool), _VALUES.get(status, -1.0), kind)

    def pool_reconciled(self, namespace: str, pool: str, at_s: float) -> None:
        self._pools.set(POOL_RECONCILED, (namespace, pool), at_s)
        self._pools.set(POOL_FAILING, (namespace, pool), 0.0)

    def pool_failing(self, namespace: str, pool: str, since_s: float) -> None:
        self._pools.set(POOL_FAILING, (namespace, pool), since_s)

    def pool_unknown(self, namespace: str, pool: str, kinds: Iterable[str]) -> None:
        """What was known of it is too old to be reported."""
        for kind in kinds:
            self._pools.set(POOL_CONDITION, (namespace, pool), -1.0, kind)

    def probed(self, namespace: str, pool: str, at_s: float | None) -> None:
        """None: there is no run that counts."""
        self._pools.replace(PROBE_TIMESTAMP, (namespace, pool), {} if at_s is None else {(): at_s})

    def probe_cost(self, namespace: str, pool: str, currency: str, amount: float) -> None:
        self._probe_cost.labels(namespace, pool, currency).inc(amount)

    def probe_statuses(self, namespace: str, pool: str, statuses: Mapping[str, tuple[str, str]]) -> None:
        """Of all its endpoints, each with its reason or ""; those that are not among them have none any more."""
        values: dict[Rest, float] = {
            (endpoint,): _STATUS_VALUES.get(status, 1.0) for endpoint, (status, _) in statuses.items()
        }
        reasons: dict[Rest, float] = {(endpoint, reason): 1.0 for endpoint, (_, reason) in statuses.items() if reason}
        self._pools.replace(PROBE_VERDICT, (namespace, pool), values)
        self._pools.replace(PROBE_REASON, (namespace, pool), reasons)

    def standbys(self, namespace: str, pool: str, states: Mapping[str, str]) -> None:
        """Of all its endpoints that have one."""
        values: dict[Rest, float] = dict.fromkeys(states.items(), 1.0)
        self._pools.replace(STANDBY_STATE, (namespace, pool), values)

    def certificates(self, namespace: str, pool: str, expiries: Mapping[str, float]) -> None:
        """Of all its endpoints that have shown one."""
        values: dict[Rest, float] = {(endpoint,): at_s for endpoint, at_s in expiries.items()}
        self._pools.replace(CERTIFICATE_EXPIRY, (namespace, pool), values)

    def pool_gone(self, namespace: str, pool: str) -> None:
        self._pools.drop((namespace, pool))
        self._probe_cost.remove_by_labels({"namespace": namespace, "pool": pool})

    def watch_queue(self, depth: Callable[[], float], oldest_s: Callable[[], float]) -> None:
        self._queue_depth.set_function(depth)
        self._queue_oldest.set_function(oldest_s)

    def watch_age(self, kind: str, age_s: Callable[[], float]) -> None:
        self._watch_age.labels(kind).set_function(age_s)

    def namespace_readable(self, namespace: str, is_readable: bool) -> None:
        self._readable.labels(namespace).set(float(is_readable))

    def text(self) -> bytes:
        return generate_latest(self._registry)
