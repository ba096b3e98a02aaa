"""`poolkeeper operator`: the controller. Every option is also an environment variable."""

import asyncio

import click

from poolkeeper.api.installation import Installation
from poolkeeper.cli import options
from poolkeeper.handlers.operator import Options, serve
from poolkeeper.local.settings import PROBE_IMAGE
from poolkeeper.plan.snapshot import Settings
from poolkeeper.telemetry.logs import configure


@click.command(
    context_settings={"auto_envvar_prefix": "POOLKEEPER", "show_default": True},
    epilog="""\b
In its Pod (the Helm chart does this):
  poolkeeper operator --router-image registry.example/poolkeeper-router:1.0.0
Against the cluster of your kubeconfig, watching one namespace:
  KUBECONFIG=~/.kube/config poolkeeper operator --namespace demo --no-leader-elect --router-image ...

Every option is also an environment variable: --router-image is POOLKEEPER_ROUTER_IMAGE.""",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    envvar="POOLKEEPER_NAMESPACES",
    metavar="NS",
    help="Watch only this namespace; repeat it for more (POOLKEEPER_NAMESPACES: separated by spaces). "
    "Default: all namespaces.",
)
@click.option("--router-image", required=True, show_envvar=True, help="Image of the router Pods.")
@click.option(
    "--probe-image", default=PROBE_IMAGE, show_envvar=True, help="Image of the probe's Pods: that of the operator."
)
@click.option(
    "--router-image-pull-policy",
    type=click.Choice(["IfNotPresent", "Always", "Never"]),
    default="IfNotPresent",
    show_envvar=True,
    help="When the nodes pull the images.",
)
@click.option("--cluster-domain", default="cluster.local", show_envvar=True, help="DNS domain of the cluster.")
@click.option(
    "--leader-elect/--no-leader-elect",
    default=True,
    show_envvar=True,
    help="Work only while holding a Lease, so that only one of several replicas works. Without it, run one replica.",
)
@click.option(
    "--lease-name",
    default="poolkeeper-operator",
    show_envvar=True,
    help="Name of that Lease. Two installations in one namespace need two names: those of one name take turns.",
)
@click.option(
    "--lease-namespace",
    default="",
    show_envvar=True,
    help="Namespace of that Lease. Default: the Pod's own, or `default` outside of a cluster.",
)
@click.option(
    "--metrics-listen",
    default=":9090",
    show_envvar=True,
    metavar="HOST:PORT",
    help="Address of /metrics, /healthz and /readyz.",
)
@click.option("--parallel", default=8, type=click.IntRange(1, 64), show_envvar=True, help="Pools to reconcile at once.")
@click.option(
    "--flapping-pace-seconds",
    default=30,
    type=click.IntRange(0, 3600),
    show_envvar=True,
    help="How often at most a status that goes back and forth is published; 0: each time.",
)
@click.option(
    "--sweep-seconds",
    default=60,
    type=click.IntRange(1, 3600),
    show_envvar=True,
    help="How often what exists is compared with what the watches have reported; with very many objects less often.",
)
@options.installation
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_envvar=True,
    help="One line per event.",
)
def operator(
    namespaces: tuple[str, ...],
    router_image: str,
    probe_image: str,
    router_image_pull_policy: str,
    cluster_domain: str,
    leader_elect: bool,
    lease_name: str,
    lease_namespace: str,
    metrics_listen: str,
    parallel: int,
    flapping_pace_seconds: int,
    sweep_seconds: int,
    installation: Installation,
    log_format: str,
) -> None:
    """Run the controller: watch EndpointPools and FailoverPolicies, keep their routers as declared, report in status.

    It works on the cluster of its Pod's ServiceAccount, or on the cluster of KUBECONFIG. SIGTERM ends it and releases
    the Lease; routers keep serving without it.
    """
    configure("json" if log_format == "json" else "text")
    wanted = Options(
        settings=Settings(
            router_image=router_image,
            probe_image=probe_image,
            cluster_domain=cluster_domain,
            image_pull_policy=router_image_pull_policy,
            children=installation.children,
            limits=installation.limits,
            operator=installation.operator,
            flapping_pace_s=flapping_pace_seconds,
        ),
        namespaces=namespaces,
        leader_elect=leader_elect,
        lease_name=lease_name,
        lease_namespace=lease_namespace,
        metrics_listen=metrics_listen,
        parallel=parallel,
        sweep_s=sweep_seconds,
    )
    raise SystemExit(asyncio.run(serve(wanted)))
