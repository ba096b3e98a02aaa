"""What a request to an endpoint must not cost: somebody else's time. And what must not be taken for its fault: ours."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poolkeeper.api.router_document import EgressProxy
from poolkeeper.prober.timed_request import Asker, Patience
from poolkeeper.probing.evaluate import Asked, judge_exchange
from poolkeeper.probing.phases import Exchange
from testing.fakes.harness import FakeProvider
from unit.prober.pods import MODEL, endpoint

ROOT = Path(__file__).parents[3]
READ_LATE = """
import asyncio, sys
from types import SimpleNamespace
from unit.prober.pods import endpoint
from poolkeeper.prober.timed_request import Asker, Patience, warm_up

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


def test_a_stream_that_we_slept_through_is_not_called_buffered() -> None:
    """A prober that gets no processor for a while finds the whole answer waiting."""
    body: dict[str, object] = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "hi"}]}

    async def story(fake: FakeProvider) -> Exchange:
        asker = Asker(endpoint(fake), "127.0.0.1", None, None)
        asking = asyncio.create_task(asker.ask(body, Patience(20, 20)))
        await asyncio.to_thread(fake.wait_for, lambda entries: len(entries) == 1)
        time.sleep(0.6)
        seen = await asking
        await asker.close()
        return seen

    with FakeProvider("official", params={"first_token_ms": 150.0, "tokens": 12, "token_interval_ms": 5.0}) as fake:
        seen = asyncio.run(story(fake))

    assert seen.stalled_ms >= 300
    assert judge_exchange(seen, Asked("DeepSeek", MODEL, first_token_ms=5000, min_tokens_per_second=5)) is None


@pytest.mark.parametrize("proxy", [None, EgressProxy(host="no-such-proxy.invalid", port=0)])
def test_what_was_judged_is_what_is_dialled(proxy: EgressProxy | None) -> None:
    """Neither the endpoint's name nor its proxy's is looked up again: it might lead the key elsewhere by now."""

    async def story(fake: FakeProvider) -> Exchange:
        way = endpoint(
            fake,
            host="no-such-host.invalid",
            proxy=proxy.model_copy(update={"port": fake.port}) if proxy else None,
        )
        asker = Asker(way, "127.0.0.1", None, None)
        seen = await asker.ask({"model": MODEL, "stream": True}, Patience(10, 10))
        await asker.close()
        return seen

    with FakeProvider("official") as fake:
        seen = asyncio.run(story(fake))

        assert seen.status != 0
        assert len(fake.log()) == 1
