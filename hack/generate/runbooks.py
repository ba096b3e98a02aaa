"""docs/runbooks/README.md: every reason, where it may stand, what it means, and the way to its page."""

from hack.generate.crds import GENERATED
from poolkeeper.api.reasons import GOOD_REASONS, REASONS, ProbeReason, Reason, meaning, runbook

HEAD = f"""\
<!-- {GENERATED} -->
# Runbooks

For whoever is on call: a page for each reason that a condition, an Event, `poolkeeper status` or a probe gives for
something being wrong. Begin with these; they say which page it is:

```
poolkeeper dashboard                    all of it on one live page in the browser
poolkeeper status                       all pools: what serves, what does not, why, since when
poolkeeper explain POOL ENDPOINT        one endpoint: the last probe phase by phase, its breaker, what to do
poolkeeper probe --now POOL             ask all its endpoints a real question now
poolkeeper report POOL                  everything but secrets in one file, to look at later or to send to somebody
```

All of them work with `kubectl poolkeeper`, too, and beside a `poolkeeper run` without a cluster. `-n NAMESPACE` (or
NAMESPACE/POOL) says which pool where the name alone does not. In the pages POOL, ENDPOINT, NAMESPACE (the pool's),
OPERATOR-NAMESPACE, ROUTER-POD, NAME, KEY, FILE and HOST are yours to fill in; the operator's Deployment is called
`poolkeeper` if the Helm release is.

A router tells its own view at port 9180: `/state` (breakers, health, last changes) and `/metrics`:
`kubectl get --raw /api/v1/namespaces/NAMESPACE/pods/ROUTER-POD:9180/proxy/state`, if you may `get` `pods/proxy`.

Probes are judged over several runs: Grey is an endpoint that answers, but slowly or wrongly; Unhealthy is one of which
nothing can be had. What an endpoint is marked with ends by itself, also when nobody probes any more.

[Alerts](../alerts/poolkeeper.rules.yaml) for Prometheus send here.
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
            f"When all is well, conditions say {good}: there is nothing to do, and no page.",
            "",
        ]
    )


def all_words() -> tuple[str, ...]:
    """Every reason that something is wrong, each once: of conditions, then of probes."""
    wrong = (reason.value for reason in Reason if reason not in GOOD_REASONS)
    return tuple(dict.fromkeys((*wrong, *(reason.value for reason in ProbeReason))))


def _name(word: str) -> str:
    return f"[{word}]({runbook(word).rpartition('/')[2]})"


def _where(word: str) -> str:
    conditions = [str(condition) for condition, reasons in REASONS.items() if word in reasons]
    if len(conditions) == len(REASONS):
        conditions = ["every condition"]
    return ", ".join([*conditions, *(["probe"] if word in ProbeReason.__members__ else [])])
