"""What an endpoint's manifest says of times and prices, as a router wants it."""

from poolkeeper.api.endpoint import Endpoint, Pricing, TimeWindow
from poolkeeper.api.router_document import PricingDoc, WindowDoc


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
    )
