"""The operator's own HTTP port: /healthz, /readyz and /metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from poolkeeper.errors import UserError


@dataclass(frozen=True)
class Readiness:
    """problems: why it is not ready. notes: what people should know though it may be ready."""

    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


async def serve(
    listen: str,
    dead: Callable[[], Sequence[str]],
    readiness: Callable[[], Readiness],
    metrics: Callable[[], bytes],
    metrics_type: str,
) -> web.AppRunner:
    """dead: what is wrong, nothing when all is well. The caller ends it with cleanup()."""

    async def healthz(request: web.Request) -> web.Response:
        return _page(dead())

    async def readyz(request: web.Request) -> web.Response:
        seen = readiness()
        return _page(seen.problems, seen.notes)

    async def exposed(request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": metrics_type})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposed)])
    # A connection kept open would be waited for at the end.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=0, shutdown_timeout=0.5)
    await runner.setup()
    host, port = split_listen(listen)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise UserError(
            f"cannot listen on {listen}: {error.strerror or error}; choose another --metrics-listen"
        ) from error
    return runner


def split_listen(listen: str) -> tuple[str | None, int]:
    """ "127.0.0.1:9090", "[::1]:9090" or ":9090" (every address)."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise UserError(f"--metrics-listen wants HOST:PORT or :PORT; seen {listen!r}")
    return host.strip("[]") or None, int(port)


def _page(problems: Sequence[str], notes: Sequence[str] = ()) -> web.Response:
    lines = [*(problems or ["ok"]), *notes]
    return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if problems else 200)
