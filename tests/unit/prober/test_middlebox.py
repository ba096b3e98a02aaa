"""A good provider, and something in between that spoils its streams: found, and named for what it is."""

from pathlib import Path

import pytest

from poolkeeper.api.reasons import ProbeReason as R
from testing.fakes.harness import FakeProvider
from testing.fakes.middlebox import Middlebox
from unit.prober.pods import Pod, endpoint, probe_status

STEADY = {"first_token_ms": 60.0, "tokens": 40, "token_interval_ms": 4.0}


def probed_through(middlebox: Middlebox, fake: FakeProvider, root: Path) -> Pod:
    way = endpoint(fake).model_copy(update={"port": middlebox.port})
    return Pod(root, [way], first_token_ms=5000, min_tokens_per_second=5)


def test_a_relay_that_passes_on_what_it_gets_is_not_noticed(tmp_path: Path) -> None:
    with FakeProvider("official", params=STEADY) as fake, Middlebox(fake.port) as relay:
        found = probed_through(relay, fake, tmp_path).one()

    assert found.why == ""


@pytest.mark.timing
def test_a_middlebox_that_holds_answers_back(tmp_path: Path) -> None:
    with FakeProvider("official", params=STEADY) as fake, Middlebox(fake.port, holds=True) as gateway:
        pod = probed_through(gateway, fake, tmp_path)
        said = probe_status(pod.one(), pod.one())

    assert said.reason is R.BufferedStream


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "interval_ms"), [("ok", 400.0), ("keepalive_forever", 1.0)])
def test_a_middlebox_that_cuts_after_a_round_time(scenario: str, interval_ms: float, tmp_path: Path) -> None:
    """Fifteen seconds, the shortest there is: in the middle of a stream, and before its first word."""
    with FakeProvider("official") as fake, Middlebox(fake.port, cut_after_s=15.0) as gateway:
        fake.set(scenario, first_token_ms=50.0, tokens=64, token_interval_ms=interval_ms)
        found = probed_through(gateway, fake, tmp_path).one()

    assert (found.why, found.bad) == (R.CutAtRoundSeconds, 1)
