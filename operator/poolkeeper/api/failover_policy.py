"""The FailoverPolicy: when an endpoint counts as broken, and what happens then."""

from typing import ClassVar, Literal

from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.resource import Resource
from poolkeeper.api.status import FailoverPolicyStatus

__all__ = ["FailoverPolicy", "FailoverPolicySpec", "FailoverPolicyStatus"]


class FailoverPolicy(Resource):
    """How pools fail over: health checks, circuit breakers, retries, timeouts, fallbacks. Pools of the same namespace
    refer to it in failoverPolicyRef; many pools can share one. Every field has a default."""

    PLURAL: ClassVar[str] = "failoverpolicies"
    SHORT_NAME: ClassVar[str] = "fopol"

    kind: Literal["FailoverPolicy"] = "FailoverPolicy"
    spec: FailoverPolicySpec = FailoverPolicySpec()
    status: FailoverPolicyStatus = FailoverPolicyStatus()
