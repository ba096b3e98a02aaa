"""`python -m testing.fakes.deepseek`: one provider in one process."""

import argparse
import asyncio
import resource
import signal
import ssl
import sys
import textwrap
from collections.abc import Callable

from testing.fakes.deepseek import control, jsonin, plan
from testing.fakes.deepseek.listener import Listener
from testing.fakes.deepseek.log import Log
from testing.fakes.deepseek.params import FIELDS, Params, overlay
from testing.fakes.deepseek.provider import OVERLOADS, Provider, Settings
from testing.fakes.deepseek.scenarios import SCENARIOS

EXAMPLES = """\
examples:
  python -m testing.fakes.deepseek --key sk-test
  curl -N localhost:8000/v1/chat/completions -H 'authorization: Bearer sk-test' \\
       -d '{"model": "deepseek-flash", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
  curl -X PUT localhost:8000/_fake/scenario -d '{"scenario": "busy503"}'
  curl -X PUT localhost:8000/_fake/scenario \\
       -d '{"mix": [{"scenario": "ok", "weight": 85}, {"scenario": "reset", "weight": 15}]}'
  curl localhost:8000/_fake/stats
"""


def main(argv: list[str]) -> int:
    options = parser().parse_args(argv)
    try:
        provider = build(options)
    except jsonin.ShapeError as error:
        print(f"testing.fakes.deepseek: {error}", file=sys.stderr)
        return 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:  # a stream is a file, and the usual soft limit is 1024
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(until_signal(provider, options))
    return 0


def parser() -> argparse.ArgumentParser:
    table = "\n".join(f"  {name:28} {row.help}" for name, row in SCENARIOS.items())
    dials = textwrap.fill(
        ", ".join(f"{k}={v}" for k, v in FIELDS.items()), 110, initial_indent="  ", subsequent_indent="  "
    )
    known = (
        f"scenarios:\n{table}\n\nparameters and their defaults (--param, or params of PUT /_fake/scenario):\n{dials}\n"
    )
    parsed = argparse.ArgumentParser(
        prog="python -m testing.fakes.deepseek",
        description="A scripted DeepSeek: answers like the real API, and fails like it too, on command.",
        epilog=f"{known}\n{control.__doc__}\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parsed.add_argument
    add("--listen", default="127.0.0.1:8000", metavar="HOST:PORT", help="port 0 takes a free one (default %(default)s)")
    add("--control", metavar="HOST:PORT", help="a second, plain listener for /_fake/ alone; `refuse` leaves it open")
    add("--name", default="fake", help="in ids, fingerprints and x-fake-name (default %(default)s)")
    add("--key", action="append", default=[], help="accepted key, may be repeated; none = every request is let in")
    add(
        "--models",
        default=",".join(Settings().models),
        help="served; others get `Model Not Exist` (default %(default)s)",
    )
    add("--any-model", action="store_true", help="serve every model name")
    add("--max-inflight", type=int, metavar="N", help="more requests at once than this meet --overload")
    add("--overload", choices=OVERLOADS, default="rate_limit", help="(default %(default)s)")
    add("--scenario", default="ok", metavar="NAME|JSON", help="what to play at first: a name, or a plan as for PUT")
    add("--param", action="append", default=[], metavar="NAME=VALUE", help="default of a parameter, for every scenario")
    add("--text-seed", default="", help="fakes with the same seed say the same text to the same request")
    add("--text-model", default="", help="write the text as if the model had this name, whatever it is called here")
    add("--allow-header", action="store_true", help="obey x-fake-scenario: NAME; param=value; ...")
    add("--log-bodies", action="store_true", help="keep request bodies in the log")
    add("--log-size", type=int, default=20_000, metavar="N", help="requests kept in the log (default %(default)s)")
    add("--tls-cert", metavar="FILE", help="serve TLS with this certificate chain (PEM)")
    add("--tls-key", metavar="FILE", help="its private key (PEM)")
    return parsed


def build(options: argparse.Namespace) -> Provider:
    pairs = [pair.partition("=") for pair in options.param]
    base = overlay(Params(), {name: jsonin.scalar(value) for name, _, value in pairs}, "--param")
    text: str = options.scenario
    given = jsonin.load(text) if text.startswith("{") else {"scenario": text}
    settings = Settings(
        keys=tuple(options.key),
        models=tuple(name for name in options.models.split(",") if name),
        any_model=options.any_model,
        max_inflight=options.max_inflight,
        overload=options.overload,
    )
    return Provider(
        name=options.name,
        base=base,
        first_settings=settings,
        first_plan=plan.parse(given, base),
        text_seed=options.text_seed,
        text_model=options.text_model,
        allow_header=options.allow_header,
        keep_bodies=options.log_bodies,
        log=Log(options.log_size),
    )


async def until_signal(provider: Provider, options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    await run(provider, options, ended, lambda line: print(line, flush=True))


async def run(
    provider: Provider, options: argparse.Namespace, ended: asyncio.Event, tell: Callable[[str], None]
) -> None:
    """Prints the ready line, then serves until `ended`."""
    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
    listener = Listener(provider, tls)
    host, port = address(options.listen)
    listener.start(host, port, address(options.control) if options.control else None)
    ready = f"ready {'http' if tls is None else 'https'}://{host}:{listener.port}"
    if options.control:
        ready += f" control http://{address(options.control)[0]}:{listener.control_port}"
    tell(ready)
    await ended.wait()
    listener.stop()


def address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise SystemExit(f"testing.fakes.deepseek: address {text!r}, wanted HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
