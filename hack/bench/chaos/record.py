"""What has been played, one line a history, so that a later run goes on where an earlier one ended."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from testing.chaos.cases import Case
from testing.chaos.faults import What
from testing.chaos.history import Outcome


@dataclass(frozen=True)
class Record:
    """file: None keeps nothing."""

    file: Path | None = None

    def known(self) -> dict[str, Outcome]:
        """By the name of the case; of a history that was played twice, the last."""
        if self.file is None or not self.file.exists():
            return {}
        return dict(_read(line) for line in self.file.read_text().splitlines())

    def add(self, case: Case, outcome: Outcome) -> None:
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a") as lines:
                lines.write(_line(case.name, outcome) + "\n")


def _line(name: str, outcome: Outcome) -> str:
    kept = {
        "case": name,
        "done": {what.name: times for what, times in outcome.done.items()},
        "lives": outcome.lives,
        "writes_at_rest": outcome.writes_at_rest,
        "wrong": outcome.wrong,
        "seconds": round(outcome.seconds, 1),
        "version": outcome.version,
    }
    return json.dumps(kept)


def _read(line: str) -> tuple[str, Outcome]:
    kept = json.loads(line)
    done = Counter({What[name]: times for name, times in kept["done"].items()})
    outcome = Outcome(
        lives=kept["lives"],
        done=done,
        writes_at_rest=kept["writes_at_rest"],
        wrong=kept["wrong"],
        seconds=kept["seconds"],
        version=kept.get("version", ""),
    )
    return kept["case"], outcome
