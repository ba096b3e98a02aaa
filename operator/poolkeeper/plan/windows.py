"""Every window of a pool: of the schedules and of the prices of its endpoints."""

from collections.abc import Iterator

from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.time_window import TimeWindow


def windows(spec: EndpointPoolSpec) -> Iterator[tuple[str, TimeWindow]]:
    """Each with its path."""
    for index, endpoint in enumerate(spec.endpoints):
        for number, scheduled in enumerate(endpoint.schedule):
            yield f"spec.endpoints[{index}].schedule[{number}]", scheduled
        for number, priced in enumerate(endpoint.pricing.windows if endpoint.pricing else ()):
            yield f"spec.endpoints[{index}].pricing.windows[{number}]", priced
