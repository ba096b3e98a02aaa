"""Twelve ways in which people install the chart, as arguments of `--set`; shared with tests/cluster."""

from collections.abc import Mapping

VALUE_SETS: Mapping[str, tuple[str, ...]] = {
    "defaults": (),
    "some-namespaces": (
        "watchNamespaces={team,demo}",
        "rbac.aggregate=false",
        "admissionPolicy.enabled=false",
        "standby.deployments.team={vllm,llama}",
        "standby.deployments.demo={*}",
    ),
    "one-replica": ("replicaCount=1",),
    "no-election": ("leaderElection.enabled=false",),
    "own-account": ("serviceAccount.create=false", "serviceAccount.name=own", "rbac.create=false"),
    "by-digest": (
        f"image.digest=sha256:{'a' * 64}",
        f"router.image.digest=sha256:{'b' * 64}",
        "imagePullSecrets[0].name=pull",
        "children.imagePullSecrets[0].name=pull",
    ),
    "openshift": ("children.fixedUser=false", "children.networkPolicy.enabled=false"),
    "labelled": (
        "commonLabels.team=llm",
        "podLabels.cost=seven",
        "podAnnotations.example\\.com/a=b",
        "deploymentAnnotations.example\\.com/a=b",
        "children.labels.team=llm",
        "metrics.service.annotations.example\\.com/a=b",
    ),
    "placed": (
        "nodeSelector.pool=system",
        "tolerations[0].key=dedicated",
        "tolerations[0].operator=Exists",
        "priorityClassName=system-cluster-critical",
        "topologySpreadConstraints[0].maxSkew=1",
        "topologySpreadConstraints[0].topologyKey=topology.kubernetes.io/zone",
        "topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway",
        "extraEnv[0].name=HTTPS_PROXY",
        "extraEnv[0].value=http://proxy:3128",
        "extraArgs={--log-format=text}",
    ),
    "readers": (
        "dashboard.enabled=true",
        "dashboard.hosts={pools.example.com}",
        "dashboard.allowedFrom[0].podLabels.app=oauth2-proxy",
        "dashboard.allowedFrom[0].namespaceLabels.kubernetes\\.io/metadata\\.name=ingress",
        "traces.enabled=true",
        "traces.endpoint=http://collector.observability:4318",
        "traces.extraEnv[0].name=OTEL_EXPORTER_OTLP_HEADERS",
        "traces.extraEnv[0].valueFrom.secretKeyRef.name=tracing",
        "traces.extraEnv[0].valueFrom.secretKeyRef.key=headers",
    ),
    "readers-in-some-namespaces": (
        "watchNamespaces={team,demo}",
        "admissionPolicy.enabled=false",
        "dashboard.enabled=true",
        "traces.enabled=true",
        "traces.endpoint=http://collector.observability:4318",
    ),
    "wide-limits": (
        "limits.tolerations={**}",
        "limits.priorityClasses={llm-*}",
        "limits.endpointHosts={api.deepseek.com,*.internal.example}",
        "admissionPolicy.validationActions={Warn,Audit}",
        "children.networkPolicy.metricsFrom[0].cidr=10.0.0.0/8",
    ),
}
