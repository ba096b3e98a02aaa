"""The admission policy for references: who writes one must be allowed to read what it names.

A pool sends the value of a Secret somewhere: the person who chooses the reference and the URL reads it. So the API
server asks, for each reference that is new or whose destination is, whether the writer may `get` that object. Which
fields are references follows from the models (references.py). Of an endpoint, every field counts as its destination
that is not in HARMLESS: a new field is guarded until somebody says that it need not be.
"""

import textwrap
from collections.abc import Mapping

from hack.generate.crds import GENERATED, KINDS
from hack.generate.references import RESOURCES, Reference, references
from poolkeeper.api import labels
from poolkeeper.api.base import GROUP, Model
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.pool_spec import AccessClient
from poolkeeper.api.resource import Resource

HARMLESS: Mapping[type[Model], frozenset[str]] = {
    Endpoint: frozenset(
        {"name", "tier", "weight", "mode", "maxConnections", "baseLatency", "standby"}
        | {"models", "region", "schedule", "pricing", "capabilities"}
    ),
    AccessClient: frozenset(["name", "priority", "maxConnections", "allow", "debug"]),
}
"""Fields that say nothing about where the value of a reference beside them goes."""

CHECKS = 24
"""Objects that one request may be asked about by name. An answer of the authorizer costs 350,000 of the 10,000,000 that
the API server allows a policy for one request."""


def variables(kind: type[Resource]) -> dict[str, str]:
    """Name -> CEL, in the order of use: the changed items of each list, then what is referred to anew."""
    found = tuple(references(_spec(kind)))
    items = {one.inside: one.item for one in found if one.item}
    changed = {inside: _changed_name(inside) for inside in items}
    named = [_named(one, changed, items) for one in found]
    return {
        **{changed[inside]: _changed(inside, item) for inside, item in items.items()},
        "references": " + ".join(named),
        # One entry an object, however many fields name it. `by` is unique, so it can break the tie.
        "objects": "variables.references.filter(one, !variables.references.exists(other, "
        "other.resource == one.resource && other.name == one.name && other.by < one.by))",
        **{
            f"mayGetAny_{resource}": f"variables.objects.exists(one, one.resource == '{resource}') && "
            f"{_may('get', resource)}"
            for resource in RESOURCES.values()
        },
    }


def _spec(kind: type[Resource]) -> type[Model]:
    annotation = kind.model_fields["spec"].annotation
    assert isinstance(annotation, type) and issubclass(annotation, Model)
    return annotation


def _changed_name(inside: str) -> str:
    return "changed_" + inside.replace(".", "_")


def _changed(inside: str, item: type[Model]) -> str:
    """Items that were not there before with the same reference and the same destination."""
    fields = (field.alias or name for name, field in item.model_fields.items())
    same = " && ".join(f"now.?{name} == was.?{name}" for name in fields if name not in HARMLESS.get(item, ()))
    path = "".join(f".?{step}" for step in inside.split("."))
    return (
        f"object.spec{path}.orValue([]).filter(now, oldObject == null || "
        f"!oldObject.spec{path}.orValue([]).exists(was, {same}))"
    )


def _named(one: Reference, changed: Mapping[str, str], items: Mapping[str, type[Model]]) -> str:
    steps = one.path
    if one.item and one.most:
        return " + ".join(_named_in_a_list(one, steps[0], place, changed[one.inside]) for place in range(one.most))
    if one.item:
        is_set = " && ".join(f"has(item.{'.'.join(steps[: length + 1])})" for length in range(len(steps)))
        by = f"'spec.{one.inside}[' + string(item.name) + '].{'.'.join(steps)}'"
        name = f"item.{'.'.join(steps)}.name"
        entry = f"{{'resource': '{one.resource}', 'name': string({name}), 'by': {by}}}"
        return f"variables.{changed[one.inside]}.filter(item, {is_set}).map(item, {entry})"
    path = "".join(f".?{step}" for step in steps)
    elsewhere = "".join(
        f" || size(variables.{changed[inside]}) > 0" for inside, item in items.items() if item is Endpoint
    )
    anew = f"oldObject == null || object.spec{path} != oldObject.spec{path}{elsewhere}"
    field = f"spec.{'.'.join(steps)}"
    entry = f"{{'resource': '{one.resource}', 'name': string(object.{field}.name), 'by': '{field}'}}"
    return f"(object.spec{path}.hasValue() && ({anew}) ? [{entry}] : [])"


def _named_in_a_list(one: Reference, field: str, place: int, changed: str) -> str:
    """Of each item the reference at this place of its list: CEL has no way to make one list of many in all versions."""
    by = f"'spec.{one.inside}[' + string(item.name) + '].{field}[{place}]'"
    entry = f"{{'resource': '{one.resource}', 'name': string(item.{field}[{place}].name), 'by': {by}}}"
    return f"variables.{changed}.filter(item, size(item.?{field}.orValue([])) > {place}).map(item, {entry})"


def _may(verb: str, resource: str, name: str = "", group: str = "") -> str:
    named = f".name({name})" if name else ""
    return (
        f"authorizer.group('{group}').resource({resource if '.' in resource else repr(resource)})"
        f".namespace(request.namespace){named}.check('{verb}').allowed()"
    )


STANDBYS = 16
"""Deployments that one request may be asked about by name, as CHECKS."""

MANUAL_CONTROL = (labels.FAILOVER_TO, labels.FAILED_BACK_AT, labels.PAUSED)
CONTROL_VERB = "control"
"""Not a verb of Kubernetes': a Role grants it, and this policy asks for it."""

_HEAD = """\
{{{{- /* {generated} */ -}}}}
{{{{- if {condition} }}}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{{{ include "poolkeeper.clusterName" . }}}}-{name}
  labels:
    {{{{- include "poolkeeper.labels" . | nindent 4 }}}}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [{group}]
        apiVersions: ["*"]
        operations: [{operations}]
        resources: [{resources}]
"""
_BINDING = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{{{ include "poolkeeper.clusterName" . }}}}-{name}
  labels:
    {{{{- include "poolkeeper.labels" . | nindent 4 }}}}
spec:
  policyName: {{{{ include "poolkeeper.clusterName" . }}}}-{name}
  {{{{- include "poolkeeper.admissionBinding" . | nindent 2 }}}}
{{{{- end }}}}
"""


def templates() -> dict[str, str]:
    """File name -> Helm template."""
    with_references = [kind for kind in KINDS if any(references(_spec(kind)))]
    return {
        **{f"{kind.__name__.lower()}-references.yaml": _references(kind) for kind in with_references},
        "standby.yaml": _standby(),
        "manual-control.yaml": _manual_control(),
    }


def _references(kind: type[Resource]) -> str:
    name = f"{kind.__name__.lower()}-references"
    text = _head(name, kind, "CREATE, UPDATE") + _variables(variables(kind)) + "  validations:\n"
    # The message sees no authorizer: it speaks of `objects`, never of what depends on an answer.
    one = "variables.objects[{{$i}}]"
    is_covered = "({0}.resource == 'secrets' ? variables.mayGetAny_secrets : variables.mayGetAny_configmaps)"
    named = _may("get", f"{one}.resource", f"{one}.name")
    text += f"    {{{{- range $i := until {CHECKS} }}}}\n"
    text += _validation(
        f"size(variables.objects) <= {{{{$i}}}} || {is_covered.format(one)} || {named}",
        f"'Seen: ' + {one}.by + ' names ' + {one}.resource + '/' + {one}.name + ', which you may not get in namespace "
        "' + request.namespace + '. Wanted: who writes a reference may read what it names, because a pool sends it to "
        f"its endpoints. Ask for the verb get on ' + {one}.resource + '/' + {one}.name + ', or let somebody who has it "
        "make this change.'",
    )
    text += "    {{- end }}\n"
    text += _validation(
        f"size(variables.objects) <= {CHECKS} || variables.objects.all(one, {is_covered.format('one')})",
        "'Seen: new references to ' + string(size(variables.objects)) + ' Secrets and ConfigMaps. Wanted: at most "
        f"{CHECKS} in one change. Make it in several steps, or ask for the verb get on all secrets and configmaps of "
        "the namespace.'",
    )
    if kind is EndpointPool:
        text += (
            "    {{- with .Values.limits.endpointHosts }}\n"
            + _validation(
                f"variables.{_changed_name('endpoints')}.all(item, [?item.?url, ?item.?egressProxy].all(one, "
                "[{{range .}}{{.|squote}},{{end}}].exists(host, host.startsWith('*.') ? "
                "url(one).getHostname().lowerAscii().endsWith(host.substring(1)) : "
                "url(one).getHostname().lowerAscii() == host)))",
                "'Seen: an endpoint (url or egressProxy) of a host that this cluster does not allow. "
                "Wanted: one of {{.|toString}}. Ask the administrator of Poolkeeper to add it (limits.endpointHosts).'",
            )
            + "    {{- end }}\n"
        )
    return text + _BINDING.format(name=name)


def _standby() -> str:
    """Who makes a Deployment a pool's cold standby must be allowed to scale it."""
    name, most = "standby", STANDBYS
    may = (
        "authorizer.group('apps').resource('deployments').subresource('scale').namespace(request.namespace)"
        "{}.check('patch').allowed()"
    )
    listed = "object.spec.?endpoints.orValue([])"
    declared = {
        "named": f"{listed}.filter(now, has(now.standby) && (oldObject == null || "
        "!oldObject.spec.?endpoints.orValue([]).exists(was, was.?standby == now.?standby)))"
        ".map(now, string(now.standby.deploymentRef.name))",
        "mayScaleAny": f"size(variables.named) > 0 && {may.format('')}",
    }
    text = _head(name, EndpointPool, "CREATE, UPDATE") + _variables(declared) + "  validations:\n"
    one = "variables.named[{{$i}}]"
    text += f"    {{{{- range $i := until {most} }}}}\n"
    text += _validation(
        f"size(variables.named) <= {{{{$i}}}} || variables.mayScaleAny || {may.format(f'.name({one})')}",
        f"'Seen: a standby names Deployment ' + {one} + ', which you may not scale in namespace ' + "
        "request.namespace + '. Wanted: who makes a Deployment a standby may scale it, because the pool will. Ask for "
        f"the verb patch on deployments/scale of ' + {one} + ', or let somebody who has it make this change.'",
    )
    text += "    {{- end }}\n"
    text += _validation(
        f"size(variables.named) <= {most} || variables.mayScaleAny",
        f"'Seen: new standbys of ' + string(size(variables.named)) + ' Deployments. Wanted: at most {most} in one "
        "change. Make it in several steps, or ask for the verb patch on all deployments/scale of the namespace.'",
    )
    return text + _BINDING.format(name=name)


def _manual_control() -> str:
    """Who only has the verb `patch` may change no more than the annotations of manual control, and that with a verb."""
    name = "manual-control"
    listed = ", ".join(f"'{key}'" for key in MANUAL_CONTROL)
    declared = {
        "now": "object.metadata.?annotations.orValue({})",
        "was": "oldObject.metadata.?annotations.orValue({})",
        "changed": "variables.now.map(key, key).filter(key, !(key in variables.was) || "
        "variables.was[key] != variables.now[key]) + "
        "variables.was.map(key, key).filter(key, !(key in variables.now))",
        "control": f"variables.changed.filter(key, key in [{listed}] || key.startsWith('{labels.DRAIN_PREFIX}'))",
        "isOnlyControl": "size(variables.changed) == size(variables.control) && object.spec == oldObject.spec && "
        + " && ".join(
            f"object.metadata.?{part} == oldObject.metadata.?{part}"
            for part in ("labels", "finalizers", "ownerReferences")
        ),
        "mayUpdate": _may("update", EndpointPool.PLURAL, "request.name", GROUP),
    }
    text = _head(name, EndpointPool, "UPDATE") + _variables(declared) + "  validations:\n"
    text += _validation(
        "variables.isOnlyControl || variables.mayUpdate",
        "'Seen: a change of more than the annotations of manual control. Wanted: the verb update on endpointpools, "
        "because patch alone is for people on call (failover, failback, drain, undrain, pause). "
        "Ask for the role edit.'",
    )
    text += _validation(
        "size(variables.control) == 0 || variables.mayUpdate || "
        + _may(CONTROL_VERB, EndpointPool.PLURAL, "request.name", GROUP),
        f"'Seen: a change of ' + variables.control.join(', ') + '. Wanted: the verb {CONTROL_VERB} (or update) on "
        "endpointpools, as the ClusterRole on-call has it.'",
    )
    return text + _BINDING.format(name=name)


def _head(name: str, kind: type[Resource], operations: str) -> str:
    return _HEAD.format(
        generated=GENERATED,
        condition=".Values.admissionPolicy.enabled",
        name=name,
        group=GROUP,
        operations=operations,
        resources=kind.PLURAL,
    )


def _variables(declared: Mapping[str, str]) -> str:
    lines = (
        f"    - name: {name}\n      expression: >-\n{_folded(expression)}" for name, expression in declared.items()
    )
    return "  variables:\n" + "".join(lines)


def _validation(expression: str, message: str) -> str:
    return (
        f"    - expression: >-\n{_folded(expression)}      messageExpression: >-\n{_folded(message)}"
        "      reason: Forbidden\n"
    )


def _folded(expression: str) -> str:
    """A YAML folded block: a line for each 110 characters or so, broken at spaces only."""
    lines = textwrap.wrap(expression, 104, break_long_words=False, break_on_hyphens=False)
    return "".join(f"        {line}\n" for line in lines)
