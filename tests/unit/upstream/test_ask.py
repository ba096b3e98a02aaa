"""What a request to an endpoint must not cost: somebody else's time."""

import subprocess
import sys
from pathlib import Path

from fakes.harness import FakeProvider

ROOT = Path(__file__).parents[3]
READ_LATE = """
import asyncio, sys
from types import SimpleNamespace
from unit.prober.pods import endpoint
from poolkeeper.upstream.ask import Asker, Patience, warm_up

async def ask():
    await warm_up()
    before = set(sys.modules)
    asker = Asker(endpoint(SimpleNamespace(name="a", port=int(sys.argv[1]))), "127.0.0.1", None, None)
    body = {"model": "deepseek-flash", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    exchange = await asker.ask(body, Patience(10, 10))
    await asker.close()
    print(exchange.status, *sorted({name.partition(".")[0] for name in set(sys.modules) - before}))

asyncio.run(ask())
"""


def test_after_warming_up_no_part_of_the_client_is_read_while_something_is_timed() -> None:
    with FakeProvider("official") as fake:
        command = [sys.executable, "-c", READ_LATE, str(fake.port)]
        env = {"PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'tests'}"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)

    assert done.returncode == 0, done.stderr
    status, *read_late = done.stdout.split()
    assert status == "200"
    assert not {"anyio", "certifi", "h11", "httpcore", "httpx"} & set(read_late), read_late
