"""What `poolkeeper run` prints while it serves: one line per event: the time, what happened, why, what comes next."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from poolkeeper.local.manifest_files import Finding

LABEL_WIDTH = 19
SETTLE_S = 0.7


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

    def edited(self) -> None:
        self.say("files", "have changed and are valid; the new configuration goes to the router", "green")

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


class SettledFindings:
    """Reports what is wrong with the files when it has lasted a moment: many editors empty a file, then write it."""

    def __init__(self, log: ConsoleLog, settle_s: float = SETTLE_S) -> None:
        self._log = log
        self._settle_s = settle_s
        self._waiting: asyncio.TimerHandle | None = None

    def __call__(self, findings: Sequence[Finding]) -> None:
        is_unreported = self._waiting is not None and not self._waiting.cancelled()
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
        if findings:
            self._waiting = asyncio.get_running_loop().call_later(self._settle_s, self._report, findings)
        elif is_unreported:
            self._log.edited()
        else:
            self._log.findings(findings)

    def _report(self, findings: Sequence[Finding]) -> None:
        self._waiting = None
        self._log.findings(findings)
