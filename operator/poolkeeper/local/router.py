"""A tiny container runtime for one container: the router's process, started by the same entrypoint.sh as in its image.

Its own session, so that Ctrl-C in a terminal reaches us alone and nginx can finish its streams (SIGQUIT). When it dies
it is started again, each time after a longer wait; a router that a killed run left behind is asked to go first.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from poolkeeper.errors import UserError

RESTART_WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""The last one from then on. A life of STABLE_S starts the list from the beginning."""
STABLE_S = 60.0
KILL_AFTER_S = 2.0
"""Between SIGTERM to nginx and killing it ourselves."""
LOG_TAIL_LINES = 3


def router_folder(environ: Mapping[str, str]) -> Path:
    """Where the data plane is: POOLKEEPER_ROUTER_DIR, or in this package (a link to router/ in a checkout)."""
    folder = Path(environ.get("POOLKEEPER_ROUTER_DIR") or Path(__file__).parent / "router_files")
    if not (folder / "entrypoint.sh").is_file():
        raise UserError(
            f"no router to start: seen no entrypoint.sh in {folder}; "
            "set POOLKEEPER_ROUTER_DIR to the router/ folder of a Poolkeeper source tree, or install the package again"
        )
    return folder


def start_command(folder: Path) -> tuple[str, ...]:
    """By the shell: an installer of packages may drop the bit that makes a script executable."""
    return ("/bin/sh", str(folder / "entrypoint.sh"))


@dataclass
class RouterProcess:
    """command and env start it; pid_file and log are ours. report: called once with each message for people.

    Signals go to the whole process group: workers outlive a master that was killed, and would keep the port.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    pid_file: Path
    log: Path
    report: Callable[[str], None]
    request_log: Path = Path("requests.log")
    _started: list[asyncio.subprocess.Process] = field(default_factory=list)
    _logged_before: int = 0

    def give(self, env: Mapping[str, str]) -> None:
        """More environment, from its next start on."""
        self.env = {**self.env, **env}

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._logged_before = log.tell()
            process = await asyncio.create_subprocess_exec(
                *self.command,
                env=dict(self.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started = [one for one in self._started if one.returncode is None] + [process]
        self.pid_file.write_text(f"{process.pid}\n")

    async def replace(self) -> None:
        """A new process for new requests; the old one finishes what it is answering."""
        for process in self._started:
            _signal(process.pid, signal.SIGQUIT)
        await self.start()

    async def ended(self) -> str:
        """Wait for its death, and say how it died, in the log's own last words."""
        code = await self._started[-1].wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        tail = self._log_of_this_start().splitlines()[-LOG_TAIL_LINES:]
        return "\n  ".join([how, *tail])

    def _log_of_this_start(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._logged_before if self._logged_before <= self.log.stat().st_size else 0)
            return log.read().decode("utf-8", "replace")

    async def keep_alive(self) -> None:
        """Start it again whenever it dies; runs until cancelled."""
        deaths = 0
        loop = asyncio.get_running_loop()
        while True:
            born_s, process = loop.time(), self._started[-1]
            how = await self.ended()
            if self._started[-1] is not process:
                continue  # replaced on purpose
            _signal(process.pid, signal.SIGQUIT)
            deaths = 0 if loop.time() - born_s > STABLE_S else deaths
            wait_s = RESTART_WAITS_S[min(deaths, len(RESTART_WAITS_S) - 1)]
            deaths += 1
            self.report(f"the router {how}\n  it starts again in {wait_s:g} s; its log: {self.log}")
            await asyncio.sleep(wait_s)
            if self._started[-1] is process:
                await self.start()

    async def drain(self, limit_s: float) -> bool:
        """Let it finish what it is answering. False when limit_s was not enough."""
        return await self._end(signal.SIGQUIT, limit_s)

    async def kill(self) -> None:
        """End it now, whatever it is doing."""
        if not await self._end(signal.SIGTERM, KILL_AFTER_S):
            await self._end(signal.SIGKILL, KILL_AFTER_S)
        self.pid_file.unlink(missing_ok=True)

    async def _end(self, number: signal.Signals, within_s: float) -> bool:
        for process in self._started:
            _signal(process.pid, number)
        try:
            async with asyncio.timeout(within_s):
                for process in self._started:
                    await process.wait()
        except TimeoutError:
            return False
        return True


def end_leftover(pid_file: Path, mark: str) -> int | None:
    """End the router of a run that was killed, if it still lives; its pid. mark: a word its command line must hold,
    because a pid may have been given to somebody else since."""
    try:
        pid = int(pid_file.read_text())
        is_ours = mark in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except (OSError, ValueError):
        return None
    pid_file.unlink(missing_ok=True)
    if is_ours:
        _signal(pid, signal.SIGTERM)
    return pid if is_ours else None


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
