"""Sending traces: OpenTelemetry's own exporter, given spans that were made elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lampway.engine.traces import TracedSpan
from lampway.errors import DeliveryError

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_AT_ONCE = 200
_PATIENCE = 10.0


def export_spans(
    spans: Sequence[TracedSpan], endpoint: str, headers: Mapping[str, str], version: str, *, patience: float = _PATIENCE
) -> None:
    """Send spans to an OTLP receiver over HTTP. Raises DeliveryError; then some of them may have arrived."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError:
        raise DeliveryError("OpenTelemetry is not installed", hint="pip install 'lampway[otel]'") from None
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what went wrong is told below, once
    resource = Resource({"service.name": "lampway", "service.version": version})
    exporter = OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=patience)
    try:
        for start in range(0, len(spans), _AT_ONCE):
            batch = [_readable(span, resource) for span in spans[start : start + _AT_ONCE]]
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                hint = "it has to answer OTLP over HTTP, usually at http://HOST:4318/v1/traces"
                raise DeliveryError(f"the receiver did not take the spans, {start} had arrived before", hint=hint)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def _readable(span: TracedSpan, resource: Resource) -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(name: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(span.trace, 16), int(name, 16), is_remote=False, trace_flags=flags)

    return ReadableSpan(
        span.name,
        context=context(span.id),
        parent=context(span.parent) if span.parent else None,
        resource=resource,
        attributes=dict(span.attributes),
        status=Status(StatusCode.ERROR, span.fault) if span.fault else Status(StatusCode.OK),
        start_time=_nanoseconds(span.start),
        end_time=_nanoseconds(span.end),
    )


def _nanoseconds(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000
