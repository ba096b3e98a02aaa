"""`poolkeeper run`: puts the parts together that serve a pool from files on this machine."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from poolkeeper import clock
from poolkeeper.api.pool_change import ChangeKind, PoolChange
from poolkeeper.api.reasons import Reason
from poolkeeper.cli import listen
from poolkeeper.cli.options import files
from poolkeeper.errors import RetryLater, UserError
from poolkeeper.local import change_log, manual_overrides, run_record
from poolkeeper.local import state_dir as statedir
from poolkeeper.local.backend import LocalBackend, Sources
from poolkeeper.local.console import ConsoleLog, SettledFindings
from poolkeeper.local.manifest_files import STDIN
from poolkeeper.local.manifests import load
from poolkeeper.local.probe_schedule import probe_on_schedule
from poolkeeper.local.router import RouterProcess, end_leftover, router_folder, start_command
from poolkeeper.local.run import DRAIN_LIMIT_S, serve
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord
from poolkeeper.local.secret_data import SecretEnv
from poolkeeper.local.settings import settings_for
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import LivePod, PoolKey, RouterReport
from poolkeeper.routers.admin_page import fetch
from poolkeeper.routers.state_client import RouterStates
from poolkeeper.status.evaluate import StatusUpdate

MOUNTED = ("config", "credentials", "clients", "ca")
"""The Deployment's volumes. The router finds each by an environment variable with its name."""
ANNOUNCE_LIMIT_S = 5.0
"""For each caller's next answer, which says that its connection closes (router/lua/nginx/drain.lua)."""


@click.command(
    epilog="""\b
Examples:
  poolkeeper run -f pool.yaml
  poolkeeper run -f pool.yaml --secret-env deepseek/api-key=DEEPSEEK_API_KEY
  poolkeeper run -f pool.yaml -f secrets/ --listen 0.0.0.0:8080

\b
Then, with any OpenAI client:
  OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="unused")
"""
)
@files
@click.option(
    "--listen",
    "listen_on",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Address for clients.",
)
@click.option(
    "--admin",
    "admin_on",
    default="127.0.0.1:9180",
    show_default=True,
    metavar="HOST:PORT",
    help="Address of /state, /metrics and /readyz.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the router's files while it runs. Default: a folder for this pool under XDG_STATE_HOME.",
)
@click.option(
    "--secret-env",
    "secret_envs",
    multiple=True,
    metavar="NAME/KEY=VAR",
    help="Read key KEY of Secret NAME from the environment variable VAR; may be repeated.",
)
def run(
    files: tuple[Path, ...], listen_on: str, admin_on: str, state_dir: Path | None, secret_envs: tuple[str, ...]
) -> None:
    """Serve a pool on this machine, without a cluster.

    Takes the same manifests as a cluster (EndpointPool, FailoverPolicy, Secret, ConfigMap; exactly one pool) and starts
    a local router for them. It reads changed files again without dropping a stream. It reports a bad edit, and the last
    good configuration keeps serving. SIGTERM or Ctrl-C lets open streams finish; a second one cuts them.
    """
    if STDIN in files:
        raise UserError("seen -f -; wanted a file or a folder, because a run reads its manifests again and again")
    asked = [SecretEnv.parse(text) for text in secret_envs]
    sources = Sources(files, {(env.secret, env.key): env.value(os.environ) for env in asked})
    key = _the_pool(files)
    settings = settings_for(local=True)
    declared, findings = sources.read(key, settings)
    if findings:
        raise UserError("\n".join(["these files cannot be served:", *(f"  {finding}" for finding in findings)]))
    state = StateDir(state_dir.absolute()) if state_dir else statedir.for_pool(os.environ, key.namespace, key.name)
    folder = router_folder(os.environ)
    teller = ConsoleLog(Console(), clock.now)
    for note in declared.notes:
        teller.say("note", note, "dim")
    with statedir.claim(state):
        words = ", ".join(
            f"{name}: {value}" for name, value in manual_overrides.read(state).items() if value is not None
        )
        if words:
            teller.say("by hand", f"still active from an earlier run: {words}")
        left = end_leftover(state.pid_file, str(state.root))
        if left:
            teller.say("router", f"ended process {left}, which a killed run had left")
        client = listen.claim("--listen", listen.parse("--listen", listen_on))
        admin = listen.claim("--admin", listen.parse("--admin", admin_on), taken=client)
        if client.is_everywhere and declared.pools[key].spec.access.mode == "Open":
            words = f"{client} is open to every machine that reaches this one, and the pool asks for no API key"
            teller.say("note", f"{words}; use 127.0.0.1:{client.port}, or set spec.access.mode: Keys", "yellow")
        confidential = frozenset(env.variable for env in asked)
        asyncio.run(Serving(key, sources, state, folder, client, admin, teller, confidential).until_stopped())


def _the_pool(files: tuple[Path, ...]) -> PoolKey:
    declared = load(files, local=True)
    given = [PoolKey(name.namespace, name.name) for name in declared.places if name.kind == "EndpointPool"]
    if len(given) == 1:
        return given[0]
    if declared.findings:
        raise UserError("\n".join(["these files cannot be served:", *(f"  {found}" for found in declared.findings)]))
    seen = ", ".join(map(str, given)) or "none"
    raise UserError(f"seen EndpointPools: {seen}; wanted exactly one. Start one `poolkeeper run` for each pool")


@dataclass(frozen=True)
class Serving:
    """Everything one run is made of."""

    key: PoolKey
    sources: Sources
    state: StateDir
    router_folder: Path
    client: listen.Address
    admin: listen.Address
    teller: ConsoleLog
    confidential: frozenset[str]
    """Environment variables that the router's process does not get."""

    async def until_stopped(self) -> None:
        stop, cut = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: cut.set() if stop.is_set() else stop.set())
        states = RouterStates(port=self.admin.port)
        router = self._router()
        probing = asyncio.create_task(probe_on_schedule(self.state, clock.now, self._probed))
        try:
            await serve(self._backend(states), router, clock.now, stop, self._ready, self._trouble)
            await self._drain(router, cut)
        finally:
            probing.cancel()
            await router.kill()

    def _router(self) -> RouterProcess:
        self.state.router.mkdir(exist_ok=True, mode=0o700)
        env = {name: value for name, value in os.environ.items() if name not in self.confidential} | {
            "POOLKEEPER_LISTEN": str(self.client),
            "POOLKEEPER_ADMIN": str(self.admin),
            "POOLKEEPER_RUN_DIR": str(self.state.router),
            "POOLKEEPER_REQUEST_LOG": str(self.state.request_log.absolute()),
            **{f"POOLKEEPER_{name.upper()}_DIR": str(self.state.volumes / name) for name in MOUNTED},
        }
        command = start_command(self.router_folder)
        return RouterProcess(
            command, env, self.state.pid_file, self.state.router_log, self._trouble, self.state.request_log
        )

    def _backend(self, states: RouterStates) -> LocalBackend:
        async def ask(pods: Sequence[LivePod], before: Sequence[RouterReport]) -> tuple[RouterReport, ...]:
            return await states.ask(pods, before, clock.now())

        return LocalBackend(
            key=self.key,
            sources=self.sources,
            settings=settings_for(local=True),
            state=self.state,
            address=f"{self.client.url}/v1",
            admin_ip=self.admin.reachable_ip,
            since=clock.now(),
            ask=ask,
            on_findings=SettledFindings(self.teller),
            on_update=self._updated,
            on_edit=self._edited,
        )

    def _edited(self) -> None:
        self.teller.edited()
        self._remember("Spec", "the files have changed and are valid: the spec, its policy or a Secret")

    def _remember(self, kind: ChangeKind, message: str, is_warning: bool = False) -> None:
        change_log.add(
            self.state, PoolChange(at=clock.now(), kind=kind, message=message, by="run", is_warning=is_warning)
        )

    def _updated(self, update: StatusUpdate) -> None:
        pool = PoolRecord(metadata=PoolMeta(name=self.key.name, namespace=self.key.namespace), status=update.status)
        run = RunRecord(pid=os.getpid(), base_url=f"{self.client.url}/v1", admin_url=self.admin.url, pool=pool)
        run_record.write(self.state, run)
        for event in update.events:
            self._remember("Event", f"{event.reason}: {event.message}", event.type == "Warning")
            if event.reason == Reason.InvalidSpec:
                continue  # reported already, each problem with its file
            self.teller.say(event.reason, event.message, "yellow" if event.type == "Warning" else "green")

    def _ready(self) -> None:
        self._remember("RollOut", "the run has begun: its router takes requests")
        url = f"{self.client.url}/v1"
        body = '{"stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
        self.teller.say(
            "ready",
            f"{url} serves pool {self.key}\n"
            f"curl -N {url}/chat/completions -H 'content-type: application/json' -d '{body}'\n"
            f"poolkeeper status{'' if self.state.is_default(os.environ) else f' --state-dir {self.state.root}'}",
            "bold green",
        )

    def _probed(self, message: str) -> None:
        self.teller.say("probe", message, "yellow")

    def _trouble(self, message: str) -> None:
        self.teller.say("trouble", message, "red")

    async def _drain(self, router: RouterProcess, cut: asyncio.Event) -> None:
        self.teller.say("draining", f"open streams have {DRAIN_LIMIT_S:g} s to finish; Ctrl-C again to cut them")
        record = run_record.read(self.state)
        if record:
            run_record.write(self.state, run_record.draining(record, DRAIN_LIMIT_S, clock.now()))
        draining = asyncio.create_task(self._end(router))
        cutting = asyncio.create_task(cut.wait())
        await asyncio.wait((draining, cutting), return_when=asyncio.FIRST_COMPLETED)
        finished = draining.done() and draining.result()
        cutting.cancel()
        draining.cancel()
        self.teller.say("stopped", "all streams have finished" if finished else "the streams still open were cut")

    async def _end(self, router: RouterProcess) -> bool:
        """First, answers say that their connection closes. Then nothing new is taken. Did all streams finish?"""
        with suppress(RetryLater):
            await fetch(f"{self.admin.url}/drain?settle=0&idle=1&limit={ANNOUNCE_LIMIT_S:g}", ANNOUNCE_LIMIT_S + 1)
        return await router.drain(DRAIN_LIMIT_S - ANNOUNCE_LIMIT_S)
