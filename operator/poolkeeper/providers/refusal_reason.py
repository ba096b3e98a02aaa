"""What a response that is no answer says of the endpoint that gave it: the classes of classify.py in a probe's words.

A probe asks the same of everybody, so what is a caller's own fault (an invalid request, too long a context) is the
sample's.
"""

from collections.abc import Mapping

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.providers.classify import refusal
from poolkeeper.providers.error_rule import OutcomeClass

_BY_CLASS: Mapping[OutcomeClass, ProbeReason] = {
    "Busy": ProbeReason.Busy,
    "RateLimited": ProbeReason.RateLimited,
    "ServerError": ProbeReason.ServerError,
    "Credential": ProbeReason.CredentialsRejected,
    "ModelMissing": ProbeReason.ModelMissing,
    "ContextTooLong": ProbeReason.SampleRefused,
    "Incompatible": ProbeReason.SampleRefused,
    "ClientFault": ProbeReason.SampleRefused,
}
_BY_REASON: Mapping[str, ProbeReason] = {
    reason.value: reason for reason in (ProbeReason.BalanceExhausted, ProbeReason.InvalidAnswer)
}
"""Where the class alone says less."""


def refused_with(status: int, body: bytes, provider: Provider) -> ProbeReason:
    """status: of a response that carries no answer, also 200 with an error in its body."""
    found = refusal(status, body, provider)
    return _BY_REASON.get(found.reason) or _BY_CLASS[found.outcome]
