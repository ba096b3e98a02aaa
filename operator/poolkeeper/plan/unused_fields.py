"""Fields that are set and have no effect: reported by name, so that nobody relies on them."""

from collections.abc import Iterator

from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.request_changes import ParameterRule
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.api.router_spec import Resources
from poolkeeper.plan.calendars import unused
from poolkeeper.plan.data_policy import lacking
from poolkeeper.plan.endpoints import ANY_MODEL
from poolkeeper.plan.unserved import unserved


def without_effect(pool: EndpointPoolSpec, policy: FailoverPolicySpec, local: bool = False) -> tuple[str, ...]:
    """Their paths, each with the reason why it has no effect in this pool. local: under `poolkeeper run`."""
    return (*_of_no_use(pool, policy), *_changes_of_no_use(pool), *_standbys_of_no_use(pool, local))


def _changes_of_no_use(pool: EndpointPoolSpec) -> Iterator[str]:
    """Of requests: parameters without a word on what becomes of them, and headers that are named again."""
    for index, endpoint in enumerate(pool.endpoints):
        at = f"spec.endpoints[{index}]"
        lists = {f"{at}.parameters": endpoint.parameters}
        lists |= {f"{at}.models[{which}].parameters": one.parameters for which, one in enumerate(endpoint.models)}
        for place, rules in lists.items():
            yield from (
                f"{place}: {rule.path} (it has no set, default, maximum or remove)" for rule in rules if not _acts(rule)
            )
        names = [header.name.lower() for header in endpoint.headers]
        for which, name in enumerate(names):
            if name in names[which + 1 :]:
                yield f"{at}.headers[{which}] ({name} is named again: the last entry counts)"


def _acts(rule: ParameterRule) -> bool:
    return rule.remove or any(value is not None for value in (rule.set, rule.default, rule.maximum))


def _standbys_of_no_use(pool: EndpointPoolSpec, local: bool) -> Iterator[str]:
    for index, endpoint in enumerate(pool.endpoints):
        above = [one for one in pool.endpoints if one.tier < endpoint.tier and one.mode != "Disabled"]
        why = "there is no cluster here, so nothing is scaled" if local else "no endpoint is in a tier above"
        if endpoint.standby and (local or not above):
            yield f"spec.endpoints[{index}].standby ({why})"


def _of_no_use(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> Iterator[str]:
    fallback_model = policy.fallback.degraded_model
    if fallback_model and fallback_model not in pool.models:
        yield f"policy.fallback.degradedModel ({fallback_model} is not in spec.models)"
    if pool.access.mode == "Open" and pool.access.clients:
        yield "spec.access.clients (spec.access.mode is Open: everybody may use everything, without a key)"
    yield from _models_of_no_use(pool)
    for name in unused(pool):
        yield f"spec.calendars: {name} (no window names it)"
    for index, endpoint in enumerate(pool.endpoints):
        wanted = lacking(pool.data_policy, endpoint)
        if wanted and endpoint.mode != "Disabled":
            yield f"spec.endpoints[{index}] (spec.dataPolicy requires {wanted}, and {endpoint.name} does not have it)"
    if pool.router.autoscaling and not _asks_for_cpu(pool.router.resources):
        yield "spec.router.autoscaling (spec.router.resources requests no cpu, so its percentage has no base)"


def nobody_may_serve(document: RouterDoc) -> tuple[str, ...]:
    """Models and clients for which no endpoint is left, whether it is well or not."""
    return tuple(
        f"spec.access.clients: {one.client} (no endpoint may serve it {', '.join(one.models)})"
        if one.client
        else f"spec.models: {', '.join(one.models)} (spec.dataPolicy forbids every endpoint that has it)"
        for one in unserved(document, lambda endpoint: True)
    )


def _asks_for_cpu(resources: Resources) -> bool:
    """A limit is also the request where none is given; without either of them, the installation's own count."""
    named = {str(name) for name in (*resources.requests, *resources.limits)}
    return not named or "cpu" in named


def _models_of_no_use(pool: EndpointPoolSpec) -> Iterator[str]:
    had: set[str] = set()
    for index, endpoint in enumerate(pool.endpoints):
        named = [mapping.name for mapping in endpoint.models]
        unknown = [name for name in named if name not in (*pool.models, ANY_MODEL)]
        yield from (f"spec.endpoints[{index}].models: {name} (not in spec.models)" for name in unknown)
        if endpoint.mode != "Disabled":
            had.update(pool.models if not named or ANY_MODEL in named else named)
    yield from (f"spec.models: {model} (no endpoint has it)" for model in pool.models if model not in had)
