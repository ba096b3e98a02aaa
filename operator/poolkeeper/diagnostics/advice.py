"""One sentence of advice for each reason that an endpoint can have, and what brings it back. A table, and pure.

{key} is where its key comes from; {pool} and {endpoint} are names.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from poolkeeper.api.router_reasons import (
    AT_REST,
    AWAITS_TRAFFIC,
    BY_BREAKER,
    CHECK_FAILED,
    KEY_MISSING,
    KEY_REFUSED,
    OFF_SCHEDULE,
    OUT_OF_MONEY,
)
from poolkeeper.diagnostics.endpoint_facts import Facts

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "DnsFailed": "its name does not resolve: check the url, and the cluster's DNS if others fail, too",
        "AddressRefused": "its name or its proxy's resolves to an address that no pool may reach: who changed the DNS?",
        "ProxyFailed": "the egress proxy does not connect to it: is it up, and does it allow this host and port?",
        "ConnectFailed": "nothing takes a connection: check that it runs, its port, and firewalls on the way",
        "TlsFailed": "TLS does not come about: check http or https, and the port, in its url",
        "CertificateInvalid": "its certificate is not valid: have it renewed, or set tls.caRef or tls.serverName",
        "SecretNotFound": "its key is missing: check {key}",
        "CredentialsRejected": "the key was refused: check {key}, and the key at the provider",
        "BalanceExhausted": "the account is out of money: top up the one of {key}",
        "ModelMissing": "it does not know the model: see the provider's list; map the name by models[].upstreamName",
        "NoAnswer": "it takes requests and says nothing: look at the provider's status page, or the server's own log",
        "KeepAliveOnly": "it keeps requests waiting: the provider is under load, so give it less, or wait",
        "EmptyAnswer": "its answers are empty: look at the chat template of an own server, else tell the provider",
        "InvalidAnswer": "what it says is no answer of the API: check the path in its url, and its provider",
        "ServerError": "it fails by itself: look at the provider's status page, or at the server's own log",
        "Busy": "it is overloaded: lower its maxConnections or weight if this lasts",
        "CutAtRoundSeconds": "a time limit on the way cuts streams: look for that number in proxies and gateways",
        "TruncatedStream": "its streams break off: look for restarts of an own server, else tell the provider",
        "SlowFirstToken": (
            "it is slow to begin: give it less; if that is normal for it, raise timeouts.firstToken of the policy (for "
            "whole answers timeouts.request), and spec.probe.firstToken"
        ),
        "SlowTokens": "it is slow to go on: give it less, or lower spec.probe.minTokensPerSecond if it always is",
        "WrongModel": "another model answers: map the name by models[].upstreamName if that is meant, else drain it",
        "BufferedStream": "something on the way holds the stream back: turn response buffering off there",
        "CertificateExpiring": "its certificate ends soon: see why it is not renewed",
        "SampleRefused": "the probe's own question is refused: mend spec.probe.samplesRef, or its provider",
        "Connect": "no connection comes about (name, port, certificate): `poolkeeper probe --now {pool}` says which",
        "Stalled": "its streams fall silent half-way: look at its load, and at timeouts.interToken of the policy",
        "RateLimited": "the provider limits our rate: lower maxConnections or have the limit raised if this comes back",
        "RequestTimeout": "its answers take longer than timeouts.request of the policy: give it less, or raise that",
        "ModelLoading": "it is loading its model: wait",
        "RedirectRefused": "it sends us elsewhere, which a router does not follow: make the address it names its url",
        "Drained": "it is drained: if that is over, say `poolkeeper undrain {pool} {endpoint}`, or give it a weight",
        "Draining": "somebody drains it: if that is over, say `poolkeeper undrain {pool} {endpoint}`",
        "Disabled": "its mode is Disabled: set it to Active to have it back",
        OFF_SCHEDULE: "its schedule gives it no traffic at this time of the week: nothing is wrong",
        "BreakerOpen": "it failed too often: what opened its breaker stands at its models and in the last changes",
        "HealthCheckFailed": "its free health checks fail: see healthCheck in a router's /state for what they met",
        "AwaitingTraffic": "checks pass or a probe was answered, and it takes the next request, which nobody has sent",
        "BreakerHalfOpen": "it failed too often and is being tried: wait for the trials",
    }
)
KNOWN_AS: Mapping[str, str] = MappingProxyType(
    {"Connect": "ConnectFailed", "Truncated": "TruncatedStream", "Stalled": "TruncatedStream"}
)
"""What a router calls an outcome, where a probe calls the same thing otherwise."""
FALLBACK = "look at what the router saw last, and at the endpoint's own log"
OWN_KEY = "the Secret of its credentialsRef"


def page_of(word: str) -> str:
    """The word under which the runbooks have it."""
    return KNOWN_AS.get(word, word)


def advice(word: str, facts: Facts) -> str:
    """word: one of its reasons."""
    said = ADVICE.get(word) or ADVICE.get(page_of(word), FALLBACK)
    return said.format(key=facts.key or OWN_KEY, pool=facts.pool, endpoint=facts.endpoint.name)


def comes_back(facts: Facts, now: datetime) -> tuple[str, ...]:
    """What would bring it back, by whoever holds it down."""
    return tuple(dict.fromkeys((*_by_routers(facts, now), *_by_probes(facts))))


def _by_routers(facts: Facts, now: datetime) -> Iterator[str]:
    word, at = facts.endpoint.reason, next_try(facts, now)
    if word in KEY_MISSING | KEY_REFUSED:
        yield f"another key in {facts.key or OWN_KEY}; routers see it within about a minute"
    elif word in OUT_OF_MONEY:
        yield f"money; it is asked again {at or 'every few minutes'}"
    elif word in CHECK_FAILED:
        yield "its health checks, when they pass some times in a row"
    elif word in AWAITS_TRAFFIC:
        yield "the next requests, which are its trials"
    elif facts.endpoint.breaker == "HalfOpen":
        yield "its trials, which are under way"
    elif facts.endpoint.breaker == "Open" or word in BY_BREAKER:
        yield f"its trials, {at or 'as soon as the breaker lets them'}"
    elif word in AT_REST:
        yield f"the end of the pause that the provider asked for{', ' + at if at else ''}"
    elif word == OFF_SCHEDULE:
        yield "the next window of its schedule"


def _by_probes(facts: Facts) -> Iterator[str]:
    if facts.probed is None or facts.probed.verdict == "Healthy":
        return
    runs = "one good run" if facts.probed.verdict == "Unhealthy" else "two good runs in a row"
    yield f"{runs} of the probe; at once: `poolkeeper probe --now {facts.pool}`"


def next_try(facts: Facts, now: datetime) -> str:
    """The soonest time that any router names."""
    times = [
        at for view in facts.routers for at in (view.state.retry_at, *(m.retry_at for m in view.state.models)) if at
    ]
    if not times:
        return ""
    left_s = round((min(times) - now).total_seconds())
    return f"in {left_s} s" if left_s > 0 else "now"
