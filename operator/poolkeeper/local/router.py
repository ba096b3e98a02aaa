"""A tiny container runtime for one container: the router's process, started by the same entrypoint.sh as in its image.

Its own session, so that Ctrl-C in a terminal reaches us alone and nginx can finish its streams (SIGQUIT). When it dies
it is started again, each time after a longer wait; a router that a killed run left behind is asked to go first.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from poolkeeper.errors import UserError

RESTART_WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""The last one from then on. A life of STABLE_S starts the list afresh."""
STABLE_S = 60.0
KILL_AFTER_S = 2.0
"""Between telling nginx to end at once and ending it ourselves."""


def router_folder(environ: Mapping[str, str]) -> Path:
    """Where the data plane lies: POOLKEEPER_ROUTER_DIR, beside the source checkout, or where packages put it."""
    checkout = Path(__file__).resolve().parents[3] / "router"
    given = environ.get("POOLKEEPER_ROUTER_DIR")
    candidates = [Path(given)] if given else [checkout, Path("/usr/share/poolkeeper/router")]
    for folder in candidates:
        if (folder / "entrypoint.sh").is_file():
            return folder
    raise UserError(
        f"no router to start: seen no entrypoint.sh in {' or '.join(str(folder) for folder in candidates)}; "
        "set POOLKEEPER_ROUTER_DIR to the router/ folder of a Poolkeeper source tree"
    )


@dataclass
class RouterProcess:
    """command and env start it; pid_file and log are ours. told: what people should hear, once each."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    pid_file: Path
    log: Path
    told: Callable[[str], None]
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, env=dict(self.env), stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.pid_file.write_text(f"{self._process.pid}\n")

    async def ended(self) -> str:
        """Wait for its death, and say how it died, in the log's own last words."""
        if self._process is None:
            return "was never started"
        code = await self._process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        tail = self.log.read_text("utf-8", "replace").splitlines()[-3:] if self.log.exists() else []
        return "\n  ".join([how, *tail])

    async def keep_alive(self) -> None:
        """Start it again whenever it dies; runs until cancelled."""
        deaths = 0
        loop = asyncio.get_running_loop()
        while True:
            born_s = loop.time()
            how = await self.ended()
            deaths = 0 if loop.time() - born_s > STABLE_S else deaths
            wait_s = RESTART_WAITS_S[min(deaths, len(RESTART_WAITS_S) - 1)]
            deaths += 1
            self.told(f"the router {how}\n  started again in {wait_s:g} s; its log: {self.log}")
            await asyncio.sleep(wait_s)
            await self.start()

    async def drain(self, limit_s: float) -> bool:
        """Let it finish what it is answering. False when limit_s was not enough and it was ended with streams open."""
        if self._process is None or self._process.returncode is not None:
            return True
        self._signal(signal.SIGQUIT)
        if await self._gone(limit_s):
            return True
        await self.kill()
        return False

    async def kill(self) -> None:
        self._signal(signal.SIGTERM)
        if not await self._gone(KILL_AFTER_S):
            self._signal(signal.SIGKILL, whole_group=True)
            await self._gone(KILL_AFTER_S)

    async def _gone(self, within_s: float) -> bool:
        if self._process is None:
            return True
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            return False
        self.pid_file.unlink(missing_ok=True)
        return True

    def _signal(self, number: signal.Signals, whole_group: bool = False) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        if whole_group:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)


def end_leftover(pid_file: Path, mark: str) -> int | None:
    """End the router of a run that was killed, if it still lives; its pid. mark: a word its command line must hold,
    because a pid may have been given to somebody else since."""
    try:
        pid = int(pid_file.read_text())
        if mark not in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace"):
            return None
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    pid_file.unlink(missing_ok=True)
    return pid
