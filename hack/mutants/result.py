"""What a run of mutants found in one file."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Survivor:
    """A fault that no test noticed. diff: the lines before and after, as a person reads them."""

    name: str
    diff: str


@dataclass(frozen=True)
class Result:
    """path: of the mutated file, from the root of the checkout. mutants: how many faults were tried."""

    path: str
    mutants: int
    survivors: tuple[Survivor, ...]

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survivors)

    @property
    def score_percent(self) -> float:
        return 100.0 * self.killed / self.mutants if self.mutants else 100.0


def table(results: Sequence[Result]) -> str:
    """Markdown: a row a file, and the sum of all."""
    total = Result("all", sum(one.mutants for one in results), tuple(s for one in results for s in one.survivors))
    rows = [
        f"| `{one.path}` | {one.mutants} | {one.killed} | {one.score_percent:.0f} % |"
        for one in (*sorted(results, key=lambda one: one.path), total)
    ]
    return "\n".join(("| file | mutants | noticed | score |", "|---|---:|---:|---:|", *rows))
