"""A termination message always fits, and never loses what was found."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from poolkeeper.api.probe_document import Amount
from poolkeeper.api.probe_result import MOST_BYTES, EndpointProbe, ProbePhases, ProbeResult
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.termination_message import encode

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PHASES = ProbePhases(dns=3, addresses=4, unreachable=1, tcp=12, tls=30, certificate_ends="2026-12-31", headers=210,
                     alive=211, first=812, end=2412, rate=44.1,
                     status=200, finish="length", prompt=31, completion=64)  # fmt: skip


WELL = ("deepseek-flash", "deepseek-v4-pro")


def result(count: int, *reasons: str, note: str = "", currencies: int = 1, well: tuple[str, ...] = WELL) -> ProbeResult:
    endpoints = (
        EndpointProbe(
            name=f"{index:030d}",
            fingerprint="0123abcd",
            why=why,
            bad=100 if why else 0,
            asked=100,
            well=() if why else well,
            phases=PHASES,
        )
        for index in range(count)
        for why in [reasons[index % len(reasons)]]
    )
    cost = tuple(Amount(currency=f"US{chr(65 + index)}", amount="0.123456") for index in range(currencies))
    return ProbeResult(
        pool="n" * 63 + "/" + "p" * 40, began=NOW, ended=NOW, over_budget=True, note=note, cost=cost,
        endpoints=tuple(endpoints),
    )  # fmt: skip


@given(
    count=st.integers(0, 32),
    reason=st.sampled_from(["", *ProbeReason]),
    note=st.text(max_size=1024),
    well=st.lists(st.just("m" * 128), max_size=64),
)
def test_it_fits_and_every_finding_is_in_it(count: int, reason: str, note: str, well: list[str]) -> None:
    longest = max(ProbeReason, key=len)
    given_ = result(count, str(longest), str(reason), note=note, currencies=2, well=tuple(well))
    written = encode(given_)
    read = ProbeResult.model_validate_json(written)

    assert len(written) <= MOST_BYTES
    assert [(one.name, one.why, one.bad, one.asked) for one in read.endpoints] == [
        (one.name, one.why, one.bad, one.asked) for one in given_.endpoints
    ]


def test_a_few_endpoints_keep_everything() -> None:
    given_ = result(3, "", "SlowFirstToken", note="samples: line 3: is not JSON")

    assert ProbeResult.model_validate_json(encode(given_)) == given_


def test_models_that_answered_well_stay_longer_than_phases_and_the_note() -> None:
    read = ProbeResult.model_validate_json(encode(result(32, "", note="n" * 1024)))

    assert {one.well for one in read.endpoints} == {WELL}
    assert read.note == ""


def test_the_cost_stays_longer_than_they_do() -> None:
    read = ProbeResult.model_validate_json(encode(result(32, "", currencies=2, well=("m" * 128,))))

    assert {one.well for one in read.endpoints} == {()}
    assert len(read.cost) == 2


def test_phases_of_what_is_wrong_stay_longest() -> None:
    read = ProbeResult.model_validate_json(encode(result(16, "", "", "", "SlowFirstToken")))

    assert {bool(one.phases) for one in read.endpoints if one.why} == {True}
    assert {bool(one.phases) for one in read.endpoints if not one.why} == {False}
