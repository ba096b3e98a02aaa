"""LiteLLM under test: one proxy for many cases, because it takes long to start.

Each case is a model group of its own, so that no cooldown of one case reaches another. Not one proxy for all cases: its
counters lie in a cache of limited size, which many groups would fill.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from testing.conformance.case import MODELS, Case, Mode, Policy, Surface
from testing.conformance.stage import Address
from testing.gateways.gateway import Endpoint, Pool
from testing.gateways.litellm import LiteLLM, group

WHOLE_ANSWER_MS = 2_000
"""Time-out of a whole answer: there is no setting for its first content. Any healthy one is far quicker."""


class LiteLLMUnderTest:
    name = LiteLLM.name

    def __init__(self, cases: Sequence[tuple[Case, Sequence[Endpoint]]]) -> None:
        self._gateway = LiteLLM()
        self._cases = [(case, endpoints) for case, endpoints in cases if not self.cannot(case)]
        self._stack = ExitStack()
        self._base_url = ""

    def version(self) -> str:
        return self._gateway.version()

    def __enter__(self) -> Self:
        if self._cases:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-litellm-")))
            pools = {case.name: pool_of(case, endpoints) for case, endpoints in self._cases}
            self._base_url = self._stack.enter_context(self._gateway.start_pools(folder, pools)).base_url
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def cannot(self, case: Case) -> str:
        if case.policy.tier_wait_ms:
            return "has no setting to wait for a Retry-After rather than go to the next tier"
        if case.policy.health_check != "None":
            return "has no health check except requests that cost money"
        return ""

    @contextmanager
    def serve(self, case: Case, endpoints: Sequence[Endpoint]) -> Iterator[Address]:
        models = {model: group(case.name, model) for model in MODELS}
        yield Address(self._base_url, models, {Surface.MESSAGES: "/v1/messages"})


def pool_of(case: Case, endpoints: Sequence[Endpoint]) -> Pool:
    """Only the models that the case asks for: each is a group of its own."""
    policy = case.policy
    if case.mode is not Mode.STREAM:
        policy = replace(policy, request_ms=WHOLE_ANSWER_MS)
    if case.klass == "RateLimited":  # a cooldown of its own would win over the Retry-After of the provider
        policy = replace(policy, recovery_timeout_ms=Policy().recovery_timeout_ms)
    asked = {turn.model for turn in case.turns}
    return Pool(endpoints, policy, tuple(model for model in MODELS if model in asked))
