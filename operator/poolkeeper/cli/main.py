"""The `poolkeeper` command: the list of its commands, and how errors are printed.

Commands are imported when they are asked for, so that `poolkeeper run` on a laptop does not pay for the clients of a
cluster.
"""

import importlib
from collections.abc import Mapping

import click

from poolkeeper import __version__
from poolkeeper.errors import PoolkeeperError

COMMANDS: Mapping[str, str] = {
    "run": "Serve a pool on this machine, without a cluster.",
    "validate": "Report every problem of manifest files at once.",
    "import": "Turn another gateway's configuration into a pool.",
    "render": "Print the objects the operator would apply.",
    "status": "Show pools, endpoints, breakers: why, and since when.",
    "explain": "Say what is wrong with an endpoint, what was seen, and what to do.",
    "dashboard": "Show pools live, on a page in the browser.",
    "failover": "Make a tier serve a pool until `failback`.",
    "failback": "Let traffic return to the first tier that can serve.",
    "drain": "Send an endpoint no new requests, and let running ones finish.",
    "undrain": "Send a drained endpoint requests again.",
    "probe": "Send probe requests to the endpoints, and say what users would see.",
    "report": "Write everything about a pool except its secrets into one file, for later analysis.",
    "traces": "Send the requests of the request logs to an OpenTelemetry collector, as spans.",
    "runbook": "Print the page of a reason: what it means and what to do.",
    "completion": "Print the completion script for bash, zsh or fish.",
    "operator": "Run the controller (in its Pod, or against KUBECONFIG).",
}
FUNCTIONS: Mapping[str, str] = {"import": "import_config"}
"""The function of a command whose name is a word of Python."""
MODULES: Mapping[str, str] = {
    **dict.fromkeys(("failover", "failback", "drain", "undrain"), "manual"),
    **FUNCTIONS,
}
"""The module of a command that is not in a module of the same name."""


INTERRUPTED = 130
"""What shells and their users expect after Ctrl-C."""


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"poolkeeper.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, FUNCTIONS.get(cmd_name, cmd_name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PoolkeeperError as error:
            click.echo(f"poolkeeper: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="`poolkeeper COMMAND --help` shows examples.",
)
@click.version_option(__version__, prog_name="poolkeeper")
def main() -> None:
    """Keeps pools of DeepSeek endpoints answering: picks, retries, breaks circuits, fails over.

    \b
    On a laptop:    poolkeeper run -f pool.yaml
    In a cluster:   kubectl apply -f pool.yaml, then: poolkeeper status
    """
