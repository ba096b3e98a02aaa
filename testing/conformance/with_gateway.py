"""Any gateway under test that starts in a second: one for each case."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from testing.conformance.case import MODELS, Case
from testing.conformance.stage import Address
from testing.gateways.gateway import Endpoint, Gateway, Pool


class GatewayUnderTest:
    def __init__(self, gateway: Gateway) -> None:
        self.name = gateway.name
        self._gateway = gateway
        self._stack = ExitStack()
        self._folder = Path()
        self._number = 0

    def version(self) -> str:
        return self._gateway.version()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def cannot(self, case: Case) -> str:
        return ""

    @contextmanager
    def serve(self, case: Case, endpoints: Sequence[Endpoint]) -> Iterator[Address]:
        self._number += 1
        folder = self._folder / str(self._number)
        with self._gateway.start(folder, Pool(endpoints, case.policy, MODELS)) as running:
            yield Address(running.base_url, {model: model for model in MODELS}, headers=running.headers)
