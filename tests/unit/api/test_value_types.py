"""The value types: what they mean, and where their bounds are."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from poolkeeper.api.endpoint import Url
from poolkeeper.api.time_window import ClockTime
from poolkeeper.api.value_types import ByteSize, Duration, LongSpan, ModelName, Money, PositiveSpan, Quantity, Span


@pytest.mark.parametrize(
    ("text", "want_ms"),
    [("0s", 0), ("800ms", 800), ("10s", 10_000), ("1m30s", 90_000), ("1h", 3_600_000), ("1h1m1s1ms", 3_661_001)],
)
def test_a_duration_is_as_long_as_it_says(text: str, want_ms: int) -> None:
    duration = TypeAdapter(Duration).validate_python(text)
    assert (duration.ms, str(duration)) == (want_ms, text)


@pytest.mark.parametrize("text", ["", "10", "s", "1.5s", "-1s", "1d", "1s ", "1s\n", "123456s", "1s1s1s1s1s", "１s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must be a duration such as"):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (Span, ["0s", "1h", "60m"], ["3601s", "61m"]),
        (PositiveSpan, ["1ms", "1h"], ["0s", "0h0m0s", "60m1s"]),
        (LongSpan, ["0s", "24h"], ["24h1ms"]),
    ],
)
def test_the_bounds_of_a_duration_are_included(kind: type[Duration], inside: list[str], outside: list[str]) -> None:
    adapter: TypeAdapter[Duration] = TypeAdapter(kind)
    for text in inside:
        assert adapter.validate_python(text) == text
    for text in outside:
        with pytest.raises(ValidationError, match=r"from \w+ to \w+"):
            adapter.validate_python(text)


@pytest.mark.parametrize(
    ("text", "want"),
    [("0", 0), ("512Ki", 512 * 1024), ("64Mi", 64 * 1024**2), ("1Gi", 1024**3)],
)
def test_a_size_counts_in_powers_of_two(text: str, want: int) -> None:
    assert TypeAdapter(ByteSize).validate_python(text).bytes == want


def test_money_is_exact() -> None:
    assert TypeAdapter(Money).validate_python("0.003").decimal * 1000 == Decimal("3")


def test_a_quantity_may_be_a_number_as_in_any_pod() -> None:
    assert TypeAdapter(Quantity).validate_python(2) == "2"


def test_a_model_name_counts_characters_not_bytes() -> None:
    assert TypeAdapter(ModelName).validate_python("深" * 128) == "深" * 128


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("https://api.deepseek.com", ("https", "api.deepseek.com", 443, "")),
        ("https://api.deepseek.com/v1/", ("https", "api.deepseek.com", 443, "/v1")),
        ("http://VLLM:8000", ("http", "vllm", 8000, "")),
        ("https://[2001:DB8::7]:8443/a/b", ("https", "2001:db8::7", 8443, "/a/b")),
    ],
)
def test_a_url_knows_its_parts(text: str, want: tuple[str, str, int, str]) -> None:
    url = Url(text)
    assert (url.scheme, url.host, url.port, url.path) == want


def test_a_clock_time_in_minutes() -> None:
    assert [ClockTime(text).minutes for text in ("00:00", "01:30", "24:00")] == [0, 90, 1440]
