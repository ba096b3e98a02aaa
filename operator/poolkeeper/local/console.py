"""What `poolkeeper run` prints while it serves: one line per event: the time, what happened, why, what comes next."""

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from poolkeeper.local.manifest_files import Finding

LABEL_WIDTH = 19


class ConsoleLog:
    """Colours on a terminal only; lines are never folded, so that they can be searched and piped."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._console = console
        self._now = now

    def say(self, label: str, message: str, style: str = "cyan") -> None:
        first, *rest = message.splitlines() or [""]
        time = self._now().astimezone().strftime("%H:%M:%S")
        self._line(Text.assemble((time, "dim"), "  ", (label.ljust(LABEL_WIDTH), style), " ", first))
        for line in rest:
            self._line(Text(" " * (10 + LABEL_WIDTH) + " " + line.strip()))

    def findings(self, findings: Sequence[Finding]) -> None:
        """Of files that were changed while serving."""
        if not findings:
            self.say("files", "are valid again; the new configuration is in use", "green")
            return
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        lines = "\n".join(str(finding) for finding in findings)
        self.say("files", f"{count}; the last good configuration keeps serving\n{lines}", "red")

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)
