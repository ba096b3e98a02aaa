"""hack/cluster/estimate.sh: what a build from nothing takes, and how it learns from the parts built so far."""

import subprocess
from pathlib import Path

ESTIMATE = Path(__file__).resolve().parents[1] / "cluster/estimate.sh"


def lines(script: str) -> list[str]:
    setup = f'say() {{ echo "$1|$2|$3"; }}; POOLKEEPER_CACHE=/cache; source {ESTIMATE}'
    costs = "COST_S=([a]=600 [b]=120 [c]=60); CORES=2"
    done = subprocess.run(["bash", "-euc", f"{setup}; {costs}; {script}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_before_the_first_build_it_names_the_parts_and_the_time() -> None:
    (line,) = lines("announce a b c")

    assert line.startswith("programs to build|3|a b c: about 7 minutes on 2 cores")


def test_a_busy_machine_makes_the_rest_longer() -> None:
    assert lines("learn a 600 b c") == ["still to build|2|b c: about 3 minutes at this pace"]


def test_an_idle_one_keeps_it() -> None:
    assert lines("learn a 300 c") == ["still to build|1|c: about 30 s at this pace"]


def test_it_learns_more_than_once() -> None:
    assert lines("learn a 600 b c; learn b 60 c")[-1] == "still to build|1|c: about 30 s at this pace"


def test_nothing_is_said_of_nothing_and_a_part_that_took_no_time_is_no_error() -> None:
    assert lines("learn a 0") == []


def test_a_part_without_a_cost_counts_as_a_middling_one() -> None:
    assert "75 s" in lines("announce new")[0]
