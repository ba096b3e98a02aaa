"""What we use of the Kubernetes client library, which carries no types of its own."""

from typing import Protocol


class Response(Protocol):
    status: int

    async def read(self) -> bytes: ...


class Client(Protocol):
    """Its ApiClient."""

    async def param_serialize(
        self, method: str, resource_path: str, *, header_params: dict[str, str], body: object, auth_settings: list[str]
    ) -> tuple[str, str, dict[str, str], object, object]: ...

    async def call_api(
        self, method: str, url: str, header_params: dict[str, str], body: object, post_params: object
    ) -> Response: ...

    async def close(self) -> None: ...
