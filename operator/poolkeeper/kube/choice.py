"""Which cluster a command works on, and which namespace by default: what a person chose, or what the kubeconfig says.

For one command at a time, like the environment that it is started with.
"""

from contextvars import ContextVar, Token
from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterChoice:
    """ "" and False: as the environment says. everywhere: pools of all namespaces, whatever the context says."""

    kubeconfig: str = ""
    context: str = ""
    everywhere: bool = False

    @property
    def is_explicit(self) -> bool:
        """Somebody named a cluster: runs on this machine are not meant."""
        return bool(self.kubeconfig or self.context)


AS_THE_ENVIRONMENT_SAYS = ClusterChoice()
_CHOICE: ContextVar[ClusterChoice] = ContextVar("cluster choice", default=AS_THE_ENVIRONMENT_SAYS)


def chosen() -> ClusterChoice:
    return _CHOICE.get()


def choose(choice: ClusterChoice) -> Token[ClusterChoice]:
    """The token undoes it."""
    return _CHOICE.set(choice)


def undo(token: Token[ClusterChoice]) -> None:
    _CHOICE.reset(token)
