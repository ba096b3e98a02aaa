"""Spans go to an OpenTelemetry collector by OTLP over HTTP, with OpenTelemetry's own exporter: its variables of the
environment (OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _TIMEOUT, _COMPRESSION, OTEL_RESOURCE_ATTRIBUTES) hold."""

import os
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from poolkeeper import __version__
from poolkeeper.telemetry.spans import Span

SCOPE = InstrumentationScope("poolkeeper.router", __version__)
DEFAULT = "http://localhost:4318"
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Collector:
    """url: of the collector, without the path of a signal; None: as OpenTelemetry's variables say."""

    def __init__(self, url: str | None) -> None:
        self._exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces" if url else None)
        named = url or os.environ.get(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or os.environ.get(OTEL_EXPORTER_OTLP_ENDPOINT)
        self.url = named or DEFAULT

    def take(self, spans: Sequence[tuple[str, Span]]) -> bool:
        """With the router that each came from. False: they were not taken, and may be offered again."""
        resources = {router: _resource(router) for router in {router for router, _ in spans}}
        readable = [_readable(span, resources[router]) for router, span in spans]
        return self._exporter.export(readable) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # of the library


def _resource(router: str) -> Resource:
    ours = Resource({"service.name": "poolkeeper-router", "service.instance.id": router})
    return ours.merge(OTELResourceDetector().detect())


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    trace = int(span.trace, 16)
    return ReadableSpan(
        name=span.name,
        context=SpanContext(trace, int(span.span_id, 16), is_remote=False, trace_flags=_SAMPLED),
        parent=SpanContext(trace, int(span.parent, 16), is_remote=not span.is_call, trace_flags=_SAMPLED)
        if span.parent
        else None,
        resource=resource,
        attributes=span.attributes,
        kind=SpanKind.CLIENT if span.is_call else SpanKind.SERVER,
        instrumentation_scope=SCOPE,
        status=Status(StatusCode.ERROR) if span.is_error else Status(StatusCode.UNSET),
        start_time=span.start_ns,
        end_time=span.end_ns,
    )
