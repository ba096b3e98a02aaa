"""docs/runbooks/README.md: every reason, the conditions that use it, what it means, and a link to its page."""

from hack.generate.crds import GENERATED
from poolkeeper.api.reasons import GOOD_REASONS, REASONS, ProbeReason, Reason, meaning, runbook

HEAD = f"""\
<!-- {GENERATED} -->
# Runbooks

For the person on call: a page for each bad reason of a condition, an Event, `poolkeeper status` or a probe. Begin with
these commands; they show which page you need:

```
poolkeeper dashboard                    all pools on one live page in the browser
poolkeeper status                       all pools: what serves, what does not, why, since when
poolkeeper explain POOL ENDPOINT        one endpoint: the last probe phase by phase, its breaker, what to do
poolkeeper probe --now POOL             send probe requests to all its endpoints now
poolkeeper report POOL                  everything but secrets in one file, to read later or to send to somebody
```

All of them work as `kubectl poolkeeper`, too, and with a `poolkeeper run` without a cluster. If the name of the pool is
not enough, add `-n NAMESPACE` (or write NAMESPACE/POOL). Replace POOL, ENDPOINT, NAMESPACE (the pool's),
OPERATOR-NAMESPACE, ROUTER-POD, NAME, KEY, FILE and HOST in the pages by your own names. The operator's Deployment is
called `poolkeeper` if the Helm release is.

Each router shows its own view at port 9180: `/state` (breakers, health, last changes) and `/metrics`:
`kubectl get --raw /api/v1/namespaces/NAMESPACE/pods/ROUTER-POD:9180/proxy/state`, if you may `get` `pods/proxy`.

A probe status comes from several runs. Grey: the endpoint answers, but slowly or wrongly. Unhealthy: it gives no
answer. Each probe status expires by itself, also when no more probes run.

[Alerts](../alerts/README.md) for Prometheus link to these pages.
"""


def index() -> str:
    rows = [f"| {_name(word)} | {_where(word)} | {meaning(word)} |" for word in all_words()]
    good = ", ".join(sorted(f"`{reason}`" for reason in GOOD_REASONS))
    return "\n".join(
        [
            HEAD,
            "| reason | of | what is wrong |",
            "|---|---|---|",
            *rows,
            "",
            f"The good reasons are {good}. They need no action and have no page.",
            "",
        ]
    )


def all_words() -> tuple[str, ...]:
    """Every bad reason, each once: of conditions, then of probes."""
    wrong = (reason.value for reason in Reason if reason not in GOOD_REASONS)
    return tuple(dict.fromkeys((*wrong, *(reason.value for reason in ProbeReason))))


def _name(word: str) -> str:
    return f"[{word}]({runbook(word).rpartition('/')[2]})"


def _where(word: str) -> str:
    conditions = [str(condition) for condition, reasons in REASONS.items() if word in reasons]
    if len(conditions) == len(REASONS):
        conditions = ["every condition"]
    return ", ".join([*conditions, *(["probe"] if word in ProbeReason.__members__ else [])])
