"""One result of an endpoint that was probed with each of its API keys. Pure.

What is wrong with one key says nothing of the endpoint while another key gets an answer: routers leave that key out. So
the endpoint's result is that of the first key that is not itself at fault, and the keys' own stand beside it.
"""

from collections.abc import Sequence

from poolkeeper.api.probe_result import EndpointProbe
from poolkeeper.api.reasons import ProbeReason

OF_THE_KEY = frozenset(
    reason.value
    for reason in (
        ProbeReason.SecretNotFound,
        ProbeReason.CredentialsRejected,
        ProbeReason.BalanceExhausted,
        ProbeReason.RateLimited,
    )
)


def of_keys(found: Sequence[EndpointProbe]) -> EndpointProbe:
    """found: a result with each key, in order; at least one."""
    telling = next((one for one in found if one.why not in OF_THE_KEY), found[0])
    if not any(one.why in OF_THE_KEY for one in found):
        return telling
    return telling.model_copy(update={"keys": tuple(one.why for one in found)})
