"""What a pool asks for beyond the limits of the installation.

The API server takes such a pool, because only the operator knows the administrator's limits. Nothing of it is rolled
out: a part of what somebody declared would be another pool than the one declared.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from poolkeeper.api.base import Problem
from poolkeeper.api.installation import Limits, amount
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.router_spec import Resources, Toleration


def beyond(spec: EndpointPoolSpec, limits: Limits) -> Iterator[Problem]:
    router, template = spec.router, spec.router.template
    yield from _count("spec.router.replicas", router.replicas, limits)
    if router.autoscaling:
        yield from _count("spec.router.autoscaling.maxReplicas", router.autoscaling.max_replicas, limits)
    yield from _resources("spec.router.resources", router.resources, limits)
    if spec.probe:
        yield from _resources("spec.probe.resources", spec.probe.resources, limits)
    at = "spec.router.template"
    if template.priority_class_name:
        yield from _names(
            f"{at}.priorityClassName", (template.priority_class_name,), limits.priority_classes, "priorityClasses"
        )
    for index, toleration in enumerate(template.tolerations):
        yield from _toleration(f"{at}.tolerations[{index}]", toleration, limits)
    yield from _keys(f"{at}.annotations", template.annotations, limits.annotations, "annotations")
    yield from _keys(f"{at}.labels", template.labels, limits.labels, "labels")
    at, service = "spec.router.service", router.service
    yield from _keys(f"{at}.annotations", service.annotations, limits.service_annotations, "serviceAnnotations")
    yield from _keys(f"{at}.labels", service.labels, limits.service_labels, "serviceLabels")
    yield from _names(f"{at}.type", (service.type,), limits.service_types, "serviceTypes")
    for index, endpoint in enumerate(spec.endpoints):
        for field, url in (("url", endpoint.url), ("egressProxy", endpoint.egress_proxy)):
            if url and limits.endpoint_hosts and not any(_is_host(url.host, one) for one in limits.endpoint_hosts):
                yield _problem(f"spec.endpoints[{index}].{field}", url.host, limits.endpoint_hosts, "endpointHosts")


def allows(patterns: Sequence[str], name: str) -> bool:
    """ "*" stands for anything without a slash, so that "*" alone allows no key with a prefix."""
    return any(pattern == "**" or re.fullmatch(_regex(pattern), name) is not None for pattern in patterns)


def _regex(pattern: str) -> str:
    return "[^/]*".join(re.escape(part) for part in re.split(r"\*+", pattern))


def _count(path: str, seen: int, limits: Limits) -> Iterator[Problem]:
    if seen > limits.replicas:
        yield _problem(path, str(seen), (f"at most {limits.replicas}",), "replicas")


def _resources(path: str, seen: Resources, limits: Limits) -> Iterator[Problem]:
    most = {str(name): quantity for name, quantity in limits.resources.items()}
    for part, given in (("requests", seen.requests), ("limits", seen.limits)):
        for name, quantity in given.items():
            if name not in most:
                yield _problem(f"{path}.{part}[{name}]", name, tuple(most), "resources")
            elif amount(quantity) > amount(most[name]):
                yield _problem(f"{path}.{part}[{name}]", quantity, (f"at most {most[name]}",), "resources")


def _toleration(path: str, seen: Toleration, limits: Limits) -> Iterator[Problem]:
    if seen.key is None and "**" not in limits.tolerations:
        yield _problem(path, "every taint", limits.tolerations, "tolerations")
    elif seen.key is not None and not allows(limits.tolerations, seen.key):
        yield _problem(path, seen.key, limits.tolerations, "tolerations")


def _keys(path: str, seen: Iterable[str], allowed: Sequence[str], setting: str) -> Iterator[Problem]:
    for key in seen:
        if not allows(allowed, key):
            yield _problem(f"{path}[{key}]", key, allowed, setting)


def _names(path: str, seen: Sequence[str], allowed: Sequence[str], setting: str) -> Iterator[Problem]:
    for name in seen:
        if not allows(allowed, name):
            yield _problem(path, name, allowed, setting)


def _is_host(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _problem(path: str, seen: str, allowed: Sequence[str], setting: str) -> Problem:
    wanted = f"one of: {', '.join(allowed)}" if len(allowed) > 1 else (allowed[0] if allowed else "nothing here")
    return Problem(
        path,
        f"seen {seen!r}; wanted {wanted}, as the administrator of this installation allows (limits.{setting}); "
        "change it, or ask for a wider limit",
    )
