"""`poolkeeper completion`: the script that makes a shell complete commands, options and the pools of this machine."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_POOLKEEPER_COMPLETE"


@click.command(
    epilog="""\b
Examples:
  source <(poolkeeper completion bash)                      in ~/.bashrc
  source <(poolkeeper completion zsh)                       in ~/.zshrc, after compinit
  poolkeeper completion fish > ~/.config/fish/completions/poolkeeper.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell: bash (4.4 or newer), zsh or fish.

    It completes commands, options, and the names of pools and endpoints of each `poolkeeper run` on this machine.
    It asks no cluster.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(f"click has no completion for {shell}")
    script = kind(context.find_root().command, {}, "poolkeeper", VARIABLE)
    click.echo(script.source_template % script.source_vars())
