"""One minute of an endpoint for the page: its failures by what people do about them, its quantiles, its cost. Pure."""

from poolkeeper.dashboard.hour import Minute
from poolkeeper.dashboard.view_model import MinuteDoc
from poolkeeper.diagnostics.counts import quantile_ms

LIMITED = frozenset({"RateLimited"})
SERVER_ERRORS = frozenset({"ServerError", "Busy"})


def minute_doc(minute: Minute) -> MinuteDoc:
    counts = minute.counts
    limited = sum(count for of, count in counts.classes.items() if of in LIMITED)
    server_errors = sum(count for of, count in counts.classes.items() if of in SERVER_ERRORS)
    return MinuteDoc(
        state=minute.state,
        requests=round(counts.attempts),
        limited=round(limited),
        server_errors=round(server_errors),
        other_errors=round(counts.failed - limited - server_errors),
        p50_ms=quantile_ms(counts.first_token, 0.5),
        p90_ms=quantile_ms(counts.first_token, 0.9),
        p99_ms=quantile_ms(counts.first_token, 0.99),
        cost={currency: round(amount, 6) for currency, amount in counts.cost.items()},
    )
