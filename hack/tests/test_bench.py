"""What the speed benchmark computes from its rounds, and from the output of perf and strace."""

from hack.bench.speed.baselines import BARE, DIRECT, OURS, RELAY
from hack.bench.speed.beside import beside
from hack.bench.speed.cases import STREAM, TINY
from hack.bench.speed.chart import chart
from hack.bench.speed.idle_streams import Idle
from hack.bench.speed.load import Load
from hack.bench.speed.page import tables
from hack.bench.speed.profile import Profile, calls, places
from hack.bench.speed.rounds import Played, Run, added_us, goals, median_of, rate_ratio


def a_load(rate: float = 1000.0, cpu_us: float = 10.0, p50_us: float = 100.0, p99_us: float = 200.0) -> Load:
    return Load(rate, cpu_us / 2, cpu_us / 2, p50_us, p99_us, 0.5, 0)


def played(case: str = "tiny") -> Played:
    return Played(
        TINY if case == "tiny" else STREAM,
        saturated={
            BARE: [a_load(1000), a_load(100), a_load(1000)],
            RELAY: [a_load(800)] * 3,
            OURS: [a_load(500, 30), a_load(60, 30), a_load(700, 30)],
        },
        paced={
            DIRECT: [a_load(p50_us=100, p99_us=200)] * 3,
            BARE: [a_load(p50_us=200, p99_us=400)] * 3,
            OURS: [a_load(p50_us=300, p99_us=500)] * 3,
        },
        profiles={OURS: Profile({"kernel: all else": 20.0, "nginx": 10.0}, {"recvfrom": 2.0})},
    )


def test_a_ratio_is_one_of_neighbours_so_that_a_slow_minute_does_not_count() -> None:
    assert rate_ratio(played(), OURS) == 0.6


def test_medians_are_of_each_figure() -> None:
    assert median_of(played().saturated[OURS]).rate == 500


def test_what_is_added_is_added_to_asking_the_provider_itself() -> None:
    assert added_us(played(), OURS, 50) == 200
    assert added_us(played(), OURS, 99) == 300


def test_goals_say_what_is_reached_and_what_is_broken() -> None:
    run = Run({}, {}, [played()], {BARE: [100.0], OURS: [5200.0]}, {BARE: Idle(10, 0, 100), OURS: Idle(10, 0, 120)})

    rate, latency, first, memory = goals(run)

    assert (rate.is_reached, rate.is_broken) == (False, False)
    assert (latency.seen, latency.is_reached) == (1.5, True)
    assert (first.seen, first.is_broken) == (5.1, True)
    assert (memory.seen, memory.is_reached) == (1.2, True)


def test_columns_are_compared_along_a_line_and_a_gateway_without_a_figure_has_a_dash() -> None:
    run = Run({}, {DIRECT: "-", BARE: "1", OURS: "2"}, [played()], {BARE: [100.0]}, {BARE: Idle(10, 0, 100)})

    lines = beside(run).splitlines()

    assert lines[0] == f"|  | {BARE} | {OURS} |"
    assert "| tiny JSON: CPU a request, µs | 10 | 30 |" in lines
    assert "| tiny JSON at 2000/s: added p50; p99, ms | 0.10; 0.20 | 0.20; 0.30 |" in lines
    assert "| first content, added to bare nginx's p50; p99, ms | 0.00; 0.00 | – |" in lines
    assert "| 10 idle streams: memory of each, KiB | 10 | – |" in lines


def test_a_profile_is_of_places_people_know() -> None:
    report = """
    60.00%  [kernel.kallsyms]       [k] tcp_sendmsg_locked
    15.00%  [kernel.kallsyms]       [k] _raw_spin_unlock_irqrestore
    10.00%  libluajit-5.1.so.2.1.0  [.] 0x000000000000df73
     5.00%  libluajit-5.1.so.2.1.0  [.] lua_rawgeti
     9.00%  [JIT] tid 1             [.] 0x00007fdbdb108b8e
     1.00%  libm.so.6               [.] floor
"""

    assert places(report, 100.0) == {
        "kernel: waking others": 15.0,
        "kernel: all else": 60.0,
        "LuaJIT: interpreter, strings, tables, GC": 15.0,
        "Lua as machine code": 9.0,
        "else": 1.0,
    }


def test_system_calls_are_counted_a_request() -> None:
    table = (
        "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- -----------\n"
        " 60.00    0.100000          10       300           writev\n"
        " 40.00    0.050000          10       100        50 recvfrom\n"
        "------ ----------- -----------\n100.00    0.150000          10       400        50 total\n"
    )

    assert calls(table, 100) == {"writev": 3.0, "recvfrom": 1.0}


def test_the_page_can_do_without_profiles_and_without_slower_gateways() -> None:
    bare = played()
    run = Run({}, {}, [Played(bare.case, bare.saturated, bare.paced, {})], {}, {})

    assert "sampled" not in tables(run)
    assert chart(run).startswith("<svg")
