"""An OpenTelemetry collector for tests: takes spans by OTLP over HTTP, in its own protobuf, and keeps them."""

import gzip
import socket
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from testing.fakes.listening import HOST, Listening, read_request

PATH = "/v1/traces"
Value = str | bool | int | float


@dataclass(frozen=True)
class Got:
    """A span as it came. resource: its attributes, of who sent it."""

    name: str
    trace: str
    span: str
    parent: str
    kind: str
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: dict[str, Value]
    resource: dict[str, Value]


class Collector(Listening):
    """status: of its answers; what it does not answer with 200 it does not keep."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.spans: list[Got] = []
        self.refused = 0
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def _serve(self, client: socket.socket) -> None:
        while (request := read_request(client)) is not None:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.headers.append(headers)
            status = self.status if request.path == PATH else 404
            if status == 200:
                body = bytes(request.body)
                packed = headers.get("content-encoding") == "gzip"
                self.spans += spans_of(gzip.decompress(body) if packed else body)
            else:
                self.refused += 1
            client.sendall(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())


def spans_of(body: bytes) -> list[Got]:
    message = ExportTraceServiceRequest.FromString(body)
    return [
        Got(
            name=one.name,
            trace=one.trace_id.hex(),
            span=one.span_id.hex(),
            parent=one.parent_span_id.hex(),
            kind=ProtoSpan.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_"),
            start_ns=one.start_time_unix_nano,
            end_ns=one.end_time_unix_nano,
            is_error=one.status.code == Status.STATUS_CODE_ERROR,
            attributes={pair.key: _value(pair.value) for pair in one.attributes},
            resource={pair.key: _value(pair.value) for pair in of_one.resource.attributes},
        )
        for of_one in message.resource_spans
        for scope in of_one.scope_spans
        for one in scope.spans
    ]


def _value(shown: AnyValue) -> Value:
    value: Value = getattr(shown, str(shown.WhichOneof("value")))
    return value
