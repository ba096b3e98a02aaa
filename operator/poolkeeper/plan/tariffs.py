"""What an endpoint's manifest says of times and prices, as a router wants it."""

from collections.abc import Iterable

from poolkeeper.api.endpoint import Endpoint, Pricing
from poolkeeper.api.router_document import DaySpan, PricingDoc, WindowDoc
from poolkeeper.api.time_window import DateSpan, TimeWindow


def schedule_doc(endpoint: Endpoint) -> tuple[WindowDoc, ...]:
    return tuple(_window(window, window.weight_percent) for window in endpoint.schedule)


def pricing_doc(pricing: Pricing | None) -> PricingDoc | None:
    if pricing is None:
        return None
    return PricingDoc(
        currency=pricing.currency,
        input_per_million=pricing.input_per_million,
        cached_input_per_million=pricing.cached_input_per_million,
        output_per_million=pricing.output_per_million,
        windows=tuple(_window(window, window.multiplier_percent) for window in pricing.windows),
    )


def _window(window: TimeWindow, percent: int) -> WindowDoc:
    return WindowDoc(
        days=window.days,
        from_minute=window.from_.minutes,
        to_minute=window.to.minutes,
        time_zone=window.time_zone,
        percent=percent,
        dates=day_spans(window.dates),
        calendars=tuple(sorted(window.calendars)),
        except_dates=day_spans(window.except_dates),
        except_calendars=tuple(sorted(window.except_calendars)),
    )


def day_spans(dates: Iterable[DateSpan]) -> tuple[DaySpan, ...]:
    """In order and apart: what overlaps or touches becomes one."""
    found: list[DaySpan] = []
    for first, last in sorted(span.days for span in dates):
        if found and first <= found[-1].last_day + 1:
            found[-1] = DaySpan(first_day=found[-1].first_day, last_day=max(last, found[-1].last_day))
        else:
            found.append(DaySpan(first_day=first, last_day=last))
    return tuple(found)
