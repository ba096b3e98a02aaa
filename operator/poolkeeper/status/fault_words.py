"""What is wrong with an endpoint, as the end of a sentence about it, and what a person can do. A table, and pure.

Each reason that an endpoint can have is in here, once; status, `explain`, the page and Events take their words from
it. {key} is the source of its API key; {pool} and {endpoint} are names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from poolkeeper.api.router_reasons import FORBIDDEN, OFF_SCHEDULE

OWN_KEY = "the Secret of its credentialsRef"


@dataclass(frozen=True)
class Fault:
    """seen: goes on after the endpoint's name. do: an instruction, or what to wait for."""

    seen: str
    do: str

    def to_do(self, pool: str, endpoint: str, key: str) -> str:
        return self.do.format(key=key or OWN_KEY, pool=pool, endpoint=endpoint)


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "DnsFailed": Fault(
            "has a name that does not resolve", "check its url; if others fail, too, check the cluster's DNS"
        ),
        "AddressRefused": Fault(
            "has an address, or its proxy has one, that no pool may reach", "find out who changed its DNS"
        ),
        "ProxyFailed": Fault(
            "cannot be reached through its egress proxy", "check that the proxy runs and allows this host and port"
        ),
        "ConnectFailed": Fault(
            "accepts no connection", "check that it runs, its port, and firewalls and NetworkPolicies on the way"
        ),
        "TlsFailed": Fault("fails the TLS handshake", "check http or https, and the port, in its url"),
        "CertificateInvalid": Fault(
            "has an invalid certificate", "renew the certificate, or set tls.caRef or tls.serverName"
        ),
        "SecretNotFound": Fault("has no API key", "check {key}"),
        "CredentialsRejected": Fault("refuses the API key", "check {key}, and the API key at the provider"),
        "FirewallBlocked": Fault(
            "is behind a firewall that blocks this router",
            "ask its provider to let this cluster's address pass, or set egressProxy",
        ),
        "BalanceExhausted": Fault("says that the account has no credit", "top up the account of {key}"),
        "ModelMissing": Fault(
            "does not know the model", "see the provider's list; map the name with models[].upstreamName"
        ),
        "NoAnswer": Fault(
            "accepts requests and sends no answer", "see the provider's status page, or the server's log"
        ),
        "KeepAliveOnly": Fault(
            "keeps requests in its queue and sends only keep-alives", "wait, or send it less: lower its weight"
        ),
        "EmptyAnswer": Fault("sends empty answers", "check the chat template of your own server, or ask the provider"),
        "InvalidAnswer": Fault("sends responses that are not valid for the API", "check the path in its url"),
        "ServerError": Fault("answers with server errors", "see the provider's status page, or the server's log"),
        "Busy": Fault("is overloaded", "wait; if it lasts, see the provider's status page"),
        "CutAtRoundSeconds": Fault(
            "has its streams cut after a round number of seconds", "look for that number in proxies and gateways"
        ),
        "TruncatedStream": Fault("breaks its streams off", "look for restarts of your own server, or ask the provider"),
        "Stalled": Fault(
            "goes silent in the middle of answers",
            "check its load; if such pauses are normal, raise timeouts.interToken of the policy",
        ),
        "SlowFirstToken": Fault(
            "is slow to its first token",
            "send it less; if that is normal, raise timeouts.firstToken of the policy (for whole answers "
            "timeouts.request), and spec.probe.firstToken",
        ),
        "SlowTokens": Fault(
            "sends tokens slowly", "send it less; if that is normal, lower spec.probe.minTokensPerSecond"
        ),
        "WrongModel": Fault(
            "answers with another model",
            "if it is the same model by another name, add that to models[].aliases; if you want the other one, map the "
            "name with models[].upstreamName; else drain it",
        ),
        "BufferedStream": Fault(
            "sends its streams in one piece", "switch response buffering off in the proxies on the way"
        ),
        "CertificateExpiring": Fault("has a certificate that expires soon", "find out why it is not renewed"),
        "SampleRefused": Fault("refuses the probe request", "fix spec.probe.samplesRef, or its provider"),
        "RateLimited": Fault(
            "limits the request rate", "wait; if it returns, lower maxConnections or ask for a higher limit"
        ),
        "RequestTimeout": Fault(
            "takes longer than timeouts.request of the policy for an answer", "send it less, or raise that"
        ),
        "ModelLoading": Fault("is loading its model", "wait"),
        "RedirectRefused": Fault(
            "redirects, and routers follow no redirect", "set its url to the address that it names"
        ),
        "Drained": Fault(
            "is drained", "when that is over, run `poolkeeper undrain {pool} {endpoint}`, or give it a weight"
        ),
        "Draining": Fault("is being drained", "when that is over, run `poolkeeper undrain {pool} {endpoint}`"),
        "Disabled": Fault("is disabled", "set its mode to Active to use it again"),
        FORBIDDEN: Fault(
            "is forbidden by spec.dataPolicy",
            "if its provider guarantees what the policy requires, say so in its guarantees; else remove it",
        ),
        "Asleep": Fault("is a cold standby and asleep", "nothing: it is woken when no tier above serves"),
        "Waking": Fault(
            "is a cold standby and is being woken",
            "wait; if it lasts, see why the Pods of its Deployment are not ready",
        ),
        "ScaledToZero": Fault(
            "is a cold standby that cannot be woken", "see the condition Degraded: it says what else scales it"
        ),
        OFF_SCHEDULE: Fault("gets no traffic at this time of the week by its schedule", "nothing: this is no fault"),
        "BreakerOpen": Fault("has failed too often", "see its models and the last changes for the cause"),
        "BreakerHalfOpen": Fault(
            "has failed too often and gets single requests", "wait until its half-open requests succeed"
        ),
        "HealthCheckFailed": Fault(
            "fails its health checks",
            "check that it runs, and its url",
        ),
        "TimedOut": Fault("does not answer in time", "check its load, and firewalls on the way"),
        "BadStatus": Fault("answers with an error", "check the path in its url; or set healthCheck.type: TCP"),
        "BadAnswer": Fault("answers something else than its API", "check its url, and its provider"),
        "AwaitingTraffic": Fault(
            "may be back, but nobody has asked it", "send the pool a request to know now, or wait for the next one"
        ),
    }
)
KNOWN_AS: Mapping[str, str] = MappingProxyType(
    {
        "Connect": "ConnectFailed",
        "Truncated": "TruncatedStream",
        "Stalled": "TruncatedStream",
        "Empty": "EmptyAnswer",
        "Credential": "CredentialsRejected",
    }
)
"""Words of routers for which the runbooks have another name."""
UNKNOWN = Fault("fails", "see its last error in `poolkeeper explain {pool} {endpoint}`, and the endpoint's log")


def page_of(word: str) -> str:
    """The reason that the runbooks use for it."""
    return KNOWN_AS.get(word, word)


def fault(word: str) -> Fault:
    return FAULTS.get(word) or FAULTS.get(page_of(word), UNKNOWN)


NOTICES: Mapping[str, tuple[str, str]] = {
    "BeginsAnew": (
        "asked to continue an answer of {model}, it begins a new turn; answers that break off are generated anew there",
        "remove PrefixCompletion from its capabilities, or start its server so that it continues",
    ),
    "LeadsBack": (
        "every way of {model} leads back to this pool, whose callers get 508 pool_loop",
        "give one of the pools on the way an endpoint that is none of them",
    ),
}
"""What requests have shown of an endpoint's model that keeps nobody from using it: what is seen, what to do."""
