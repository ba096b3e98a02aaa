"""Every rule that ties fields together or looks into a value, once for the API server (CEL) and once for Python,
side by side.

A rule stands on a type: a model, or a value type such as Url, wherever that is used. Plain bounds (length, minimum,
pattern) are not here; they stand with their fields. Both sides are held together by the tables of
testing/manifests.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from poolkeeper.api.addresses import cel_is_allowed, is_forbidden, is_loopback
from poolkeeper.api.endpoint import Endpoint, ProxyUrl, ServiceRef, Url
from poolkeeper.api.patterns import HOSTNAME, OWN_HEADERS, OWN_PARAMETERS, URL, cel_text
from poolkeeper.api.policy_spec import CircuitBreaker
from poolkeeper.api.pool_spec import Access, Allow, EndpointPoolSpec
from poolkeeper.api.request_changes import HeaderRule, ParameterPath
from poolkeeper.api.router_spec import Autoscaling, Peer, PodTemplate, RouterService
from poolkeeper.api.time_window import TimeWindow


@dataclass(frozen=True)
class Rule:
    """on: the type it stands on. at: the field to point at, or "" for the value itself. message: what is wanted
    and to do.

    holds(value, local): local is `poolkeeper run`, which accepts loopback.
    """

    on: type[object]
    at: str
    message: str
    cel: str
    holds: Callable[[object, bool], bool]

    @property
    def reads(self) -> frozenset[str]:
        """The fields it looks at."""
        return frozenset(re.findall(r"self\.(\w+)", self.cel))


T = TypeVar("T")


def _rule(
    on: type[T],
    message: str,
    cel: str,
    holds: Callable[[T], bool],
    at: str = "",
    or_locally: Callable[[T], bool] = lambda value: False,
) -> Rule:
    """or_locally: what `poolkeeper run` accepts beyond."""

    def check(value: object, local: bool) -> bool:
        return not isinstance(value, on) or holds(value) or (local and or_locally(value))

    return Rule(on, at, message, cel, check)


_OURS = ("poolkeeper.dev/", "app.kubernetes.io/")


def _leaves_our_keys(on: type[PodTemplate | RouterService], use: str) -> tuple[Rule, Rule]:
    """Users may add labels and annotations, except for those that Poolkeeper goes by. use: what it does by labels."""
    return (
        _rule(
            on,
            f"must not set keys of poolkeeper.dev or app.kubernetes.io: Poolkeeper {use} by them",
            "!has(self.labels) || "
            "!self.labels.exists(key, key.startsWith('poolkeeper.dev/') || key.startsWith('app.kubernetes.io/'))",
            lambda value: not any(key.startswith(_OURS) for key in value.labels),
            at="labels",
        ),
        _rule(
            on,
            "must not set keys of poolkeeper.dev: Poolkeeper uses them itself",
            "!has(self.annotations) || !self.annotations.exists(key, key.startsWith('poolkeeper.dev/'))",
            lambda value: not any(key.startswith("poolkeeper.dev/") for key in value.annotations),
            at="annotations",
        ),
    )


def _has_all(spec: EndpointPoolSpec, allow: Allow) -> bool:
    return (
        set(allow.models) <= set(spec.models)
        and set(allow.endpoints) <= {endpoint.name for endpoint in spec.endpoints}
        and set(allow.regions) <= {endpoint.region for endpoint in spec.endpoints}
    )


RULES: tuple[Rule, ...] = (
    _rule(
        Url,
        "must start with http:// or https://",
        "self.startsWith('http://') || self.startsWith('https://')",
        lambda url: url.startswith(("http://", "https://")),
    ),
    _rule(
        Url,
        "must name a host as a DNS name or a plain IP address, and a port from 1 to 65535 if any",
        f"!self.matches('^https?://') || self.matches({cel_text(URL)})",
        lambda url: not url.startswith(("http://", "https://")) or re.fullmatch(URL, url) is not None,
    ),
    _rule(
        Url,
        "must not contain user:password@; put the API key into a Secret and refer to it in credentialsRef",
        "!self.matches('^[^/]*//[^/?#]*@')",
        lambda url: re.match("[^/]*//[^/?#]*@", url) is None,
    ),
    _rule(
        Url,
        "must not have a query or a fragment",
        "!self.contains('?') && !self.contains('#')",
        lambda url: "?" not in url and "#" not in url,
    ),
    _rule(
        Url,
        "must end before /chat/completions: it is the base URL of an OpenAI client",
        "!self.contains('/chat/completions')",
        lambda url: "/chat/completions" not in url,
    ),
    _rule(
        Url,
        "must not be a loopback, link-local or metadata address; name a host that serves models, or use serviceRef",
        f"[{HOSTNAME}].all(host, {cel_is_allowed('host')})",
        lambda url: not is_forbidden(url.host),
        or_locally=lambda url: is_loopback(url.host),
    ),
    _rule(
        ProxyUrl,
        "must be http://HOST:PORT without a path",
        "self.matches('^http://[^/]*/?$')",
        lambda url: re.fullmatch("http://[^/]*/?", url) is not None,
    ),
    _rule(
        ServiceRef,
        "must end before /chat/completions; nearly every model server uses /v1",
        "!has(self.path) || !self.path.contains('/chat/completions')",
        lambda service: "/chat/completions" not in service.path,
        at="path",
    ),
    _rule(
        Endpoint,
        "must have exactly one of url and serviceRef",
        "has(self.url) != has(self.serviceRef)",
        lambda endpoint: (endpoint.url is None) != (endpoint.service_ref is None),
    ),
    _rule(
        Endpoint,
        "must be https, because it gets an API key; insecure: true allows http, where everybody on the way can read it",
        "(!has(self.credentialsRef) && (!has(self.credentialsRefs) || size(self.credentialsRefs) == 0))"
        " || !has(self.url) || self.insecure || !self.url.startsWith('http://')",
        lambda endpoint: not endpoint.keys or endpoint.insecure or not (endpoint.url or "").startswith("http://"),
        at="url",
        or_locally=lambda endpoint: endpoint.url is not None and is_loopback(endpoint.url.host),
    ),
    _rule(
        Endpoint,
        "must not name the API key of credentialsRef once more",
        "!has(self.credentialsRef) || !has(self.credentialsRefs) || "
        "!self.credentialsRefs.exists(ref, ref.name == self.credentialsRef.name && ref.key == self.credentialsRef.key)",
        lambda endpoint: endpoint.credentials_ref not in endpoint.credentials_refs,
        at="credentialsRefs",
    ),
    _rule(
        Endpoint,
        "must be empty for an endpoint with plain http: it has no certificate",
        "!has(self.tls) || ((!has(self.url) || !self.url.startsWith('http://'))"
        " && (!has(self.serviceRef) || self.serviceRef.scheme != 'http'))",
        lambda endpoint: (
            endpoint.tls is None
            or (
                not (endpoint.url or "").startswith("http://")
                and (endpoint.service_ref is None or endpoint.service_ref.scheme != "http")
            )
        ),
        at="tls",
    ),
    _rule(
        Endpoint,
        "must be 1 or more for a cold standby: it is woken when no tier above serves",
        "!has(self.standby) || self.tier > 0",
        lambda endpoint: endpoint.standby is None or endpoint.tier > 0,
        at="tier",
    ),
    _rule(
        ParameterPath,
        "must not be the caller's and the router's own: model, messages, input, prompt, stream, stream_options, n",
        f"!(self in {list(OWN_PARAMETERS)}) && !{[f'{name}.' for name in OWN_PARAMETERS]}.exists(own, "
        "self.startsWith(own))",  # not a pattern: that would cost the API server more than it allows
        lambda path: path.split(".")[0] not in OWN_PARAMETERS,
    ),
    _rule(
        HeaderRule,
        "must not be a header that carries a key, frames the message or holds for one connection; a key belongs into"
        " credentialsRef",
        f"!self.name.lowerAscii().matches({cel_text(OWN_HEADERS)})",
        lambda header: re.match(OWN_HEADERS, header.name.lower()) is None,
        at="name",
    ),
    _rule(
        TimeWindow,
        'must differ from `from`; a whole day is from "00:00" to "24:00"',
        "self.from != self.to",
        lambda window: window.from_ != window.to,
        at="to",
    ),
    _rule(
        EndpointPoolSpec,
        "must not name a model twice",
        "self.models.all(model, self.models.exists_one(other, other == model))",
        lambda spec: len(set(spec.models)) == len(spec.models),
        at="models",
    ),
    _rule(
        EndpointPoolSpec,
        'must not contain "*": it means "any of these" in an endpoint\'s models',
        "!('*' in self.models)",
        lambda spec: "*" not in spec.models,
        at="models",
    ),
    _rule(
        EndpointPoolSpec,
        "must have at least one endpoint whose mode is not Disabled",
        "self.endpoints.exists(endpoint, endpoint.mode != 'Disabled')",
        lambda spec: any(endpoint.mode != "Disabled" for endpoint in spec.endpoints),
        at="endpoints",
    ),
    _rule(
        EndpointPoolSpec,
        "must not name a Deployment as the standby of two endpoints; give one endpoint all models that it serves",
        "self.endpoints.filter(one, has(one.standby)).map(one, one.standby.deploymentRef.name)"
        ".all(name, self.endpoints.exists_one(one, has(one.standby) && one.standby.deploymentRef.name == name))",
        lambda spec: len(set(spec.standby_deployments)) == len(spec.standby_deployments),
        at="endpoints",
    ),
    _rule(
        EndpointPoolSpec,
        "must not be more than the number of endpoints",
        "self.minAvailable <= size(self.endpoints)",
        lambda spec: spec.min_available <= len(spec.endpoints),
        at="minAvailable",
    ),
    _rule(
        EndpointPoolSpec,
        "must allow its clients only models, endpoints and regions that the pool has",
        "!has(self.access.clients) || self.access.clients.all(client, !has(client.allow) || ("
        "(!has(client.allow.models) || client.allow.models.all(name, name in self.models)) && "
        "(!has(client.allow.endpoints) || client.allow.endpoints.all(name, "
        "self.endpoints.exists(endpoint, endpoint.name == name))) && "
        "(!has(client.allow.regions) || client.allow.regions.all(name, "
        "self.endpoints.exists(endpoint, has(endpoint.region) && endpoint.region == name)))))",
        lambda spec: all(_has_all(spec, client.allow) for client in spec.access.clients),
        at="access",
    ),
    _rule(
        Access,
        "must name at least one client under mode Keys: otherwise nobody could call",
        "self.mode != 'Keys' || (has(self.clients) && size(self.clients) > 0)",
        lambda access: access.mode != "Keys" or len(access.clients) > 0,
        at="clients",
    ),
    _rule(
        Autoscaling,
        "must not be less than minReplicas",
        "self.maxReplicas >= self.minReplicas",
        lambda autoscaling: autoscaling.max_replicas >= autoscaling.min_replicas,
        at="maxReplicas",
    ),
    *_leaves_our_keys(PodTemplate, "selects its Pods"),
    *_leaves_our_keys(RouterService, "finds its objects"),
    _rule(
        Peer,
        "must not be together with podLabels or namespaceLabels: addresses have no labels",
        "!has(self.cidr) || (!has(self.podLabels) && !has(self.namespaceLabels))",
        lambda peer: peer.cidr is None or (not peer.pod_labels and peer.namespace_labels is None),
        at="cidr",
    ),
    _rule(
        CircuitBreaker,
        "must not be shorter than recoveryTimeout",
        "duration(self.maxRecoveryTimeout) >= duration(self.recoveryTimeout)",
        lambda breaker: breaker.max_recovery_timeout.ms >= breaker.recovery_timeout.ms,
        at="maxRecoveryTimeout",
    ),
)


def rules_on(kind: type[object]) -> Iterator[Rule]:
    """The rules that stand on a type or on one it derives from."""
    return (rule for rule in RULES if issubclass(kind, rule.on))
