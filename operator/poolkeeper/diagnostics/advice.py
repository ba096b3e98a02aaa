"""One sentence of advice for each reason that an endpoint can have, and when it recovers. A table, and pure.

{key} is the source of its API key; {pool} and {endpoint} are names.
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
        "DnsFailed": "its name does not resolve: check its url; if others fail, too, check the cluster's DNS",
        "AddressRefused": "it, or its proxy, has an address that no pool may reach: find out who changed its DNS",
        "ProxyFailed": "the egress proxy does not connect to it: is it up, and does it allow this host and port?",
        "ConnectFailed": "it accepts no connection: check that it runs, its port, and firewalls on the way",
        "TlsFailed": "the TLS handshake failed: check http or https, and the port, in its url",
        "CertificateInvalid": "its certificate is invalid: renew it, or set tls.caRef or tls.serverName",
        "SecretNotFound": "its API key is missing: check {key}",
        "CredentialsRejected": "the provider refused the API key: check {key}, and the API key at the provider",
        "BalanceExhausted": "the account has no credit: top up the account of {key}",
        "ModelMissing": "it does not know the model: see the provider's list; map the name with models[].upstreamName",
        "NoAnswer": "it accepts requests and sends no answer: see the provider's status page, or the server's log",
        "KeepAliveOnly": "requests wait in its queue: the provider is under load, so send it less, or wait",
        "EmptyAnswer": "its answers are empty: check the chat template of your own server, or ask the provider",
        "InvalidAnswer": "its responses are not valid for the API: check the path in its url, and its provider",
        "ServerError": "it answers with server errors: see the provider's status page, or the server's log",
        "Busy": "it is overloaded: if this lasts, lower its maxConnections or weight",
        "CutAtRoundSeconds": "a time limit on the way cuts streams: look for that number in proxies and gateways",
        "TruncatedStream": "its streams break off: look for restarts of your own server, or ask the provider",
        "SlowFirstToken": (
            "its first token is slow: send it less; if that is normal, raise timeouts.firstToken of the policy (for "
            "whole answers timeouts.request), and spec.probe.firstToken"
        ),
        "SlowTokens": "its tokens are slow: send it less; if that is normal, lower spec.probe.minTokensPerSecond",
        "WrongModel": "another model answers: if you want that, map the name with models[].upstreamName; else drain it",
        "BufferedStream": "something on the way buffers the stream: switch response buffering off there",
        "CertificateExpiring": "its certificate expires soon: find out why it is not renewed",
        "SampleRefused": "it refuses the probe request: fix spec.probe.samplesRef, or its provider",
        "Connect": "no connection (name, port or certificate): `poolkeeper probe --now {pool}` shows which",
        "Stalled": "its streams go silent half-way: check its load, and timeouts.interToken of the policy",
        "RateLimited": "the provider limits the rate: if it returns, lower maxConnections or ask for a higher limit",
        "RequestTimeout": "its answers take longer than timeouts.request of the policy: send it less, or raise that",
        "ModelLoading": "it is loading its model: wait",
        "RedirectRefused": "it redirects, and routers follow no redirect: set its url to the address that it names",
        "Drained": "it is drained: when that is over, run `poolkeeper undrain {pool} {endpoint}`, or give it a weight",
        "Draining": "somebody drains it: when that is over, run `poolkeeper undrain {pool} {endpoint}`",
        "Disabled": "its mode is Disabled: set it to Active to use it again",
        OFF_SCHEDULE: "its schedule gives it no traffic at this time of the week: nothing is wrong",
        "BreakerOpen": "it failed too often: its models and the last changes show what opened the breaker",
        "HealthCheckFailed": "its free health checks fail: healthCheck in a router's /state shows the error",
        "AwaitingTraffic": "nothing: a check or probe succeeded; the next request decides, but none has come yet",
        "BreakerHalfOpen": "it failed too often: wait until its half-open requests succeed",
    }
)
KNOWN_AS: Mapping[str, str] = MappingProxyType(
    {"Connect": "ConnectFailed", "Truncated": "TruncatedStream", "Stalled": "TruncatedStream"}
)
"""Reasons of routers for which probes have another name."""
FALLBACK = "see the router's last error, and the endpoint's log"
OWN_KEY = "the Secret of its credentialsRef"


def page_of(word: str) -> str:
    """The reason that the runbooks use for it."""
    return KNOWN_AS.get(word, word)


def advice(word: str, facts: Facts) -> str:
    """word: one of its reasons."""
    said = ADVICE.get(word) or ADVICE.get(page_of(word), FALLBACK)
    return said.format(key=facts.key or OWN_KEY, pool=facts.pool, endpoint=facts.endpoint.name)


def comes_back(facts: Facts, now: datetime) -> tuple[str, ...]:
    """When the endpoint recovers, for each cause that excludes it."""
    return tuple(dict.fromkeys((*_by_routers(facts, now), *_by_probes(facts))))


def _by_routers(facts: Facts, now: datetime) -> Iterator[str]:
    word, at = facts.endpoint.reason, next_try(facts, now)
    if word in KEY_MISSING | KEY_REFUSED:
        yield f"about a minute after {facts.key or OWN_KEY} has a new value"
    elif word in OUT_OF_MONEY:
        yield f"when the account has credit; next check {at or 'within a few minutes'}"
    elif word in CHECK_FAILED:
        yield "when its health checks pass some times in a row"
    elif word in AWAITS_TRAFFIC:
        yield "when the next requests succeed"
    elif facts.endpoint.breaker == "HalfOpen":
        yield "when its half-open requests succeed"
    elif facts.endpoint.breaker == "Open" or word in BY_BREAKER:
        yield f"when half-open requests succeed; the next one {at or 'as soon as the breaker allows it'}"
    elif word in AT_REST:
        yield f"when the backoff that the provider set is over{', ' + at if at else ''}"
    elif word == OFF_SCHEDULE:
        yield "in the next window of its schedule"


def _by_probes(facts: Facts) -> Iterator[str]:
    if facts.probed is None or facts.probed.verdict == "Healthy":
        return
    runs = "one good run" if facts.probed.verdict == "Unhealthy" else "two good runs in a row"
    yield f"after {runs} of the probe; run it now: `poolkeeper probe --now {facts.pool}`"


def next_try(facts: Facts, now: datetime) -> str:
    """The earliest time that any router reports."""
    times = [
        at for view in facts.routers for at in (view.state.retry_at, *(m.retry_at for m in view.state.models)) if at
    ]
    if not times:
        return ""
    left_s = round((min(times) - now).total_seconds())
    return f"in {left_s} s" if left_s > 0 else "now"
