"""Commands about measures: how changes arrive, curves for Prometheus, traces for OpenTelemetry."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway import __version__
from lampway.app import resolve_secret, send_traces
from lampway.cli.output import emit, note, say, table
from lampway.cli.path import Json
from lampway.cli.people import span
from lampway.cli.session import session
from lampway.domain.delivery import Delivery
from lampway.domain.secret import is_reference
from lampway.errors import UsageError


def metrics_delivery(solution: str = "", /, *, since: str = "", until: str = "", json: Json = False) -> int:
    """Show how fast and how safely changes reach the end of their path: the five DORA measures, from the ledger.

    Parameters
    ----------
    solution
        Only this one.
    since
        From when on: a day such as 2027-05-01, or a time with its zone; else the last 90 days.
    until
        Up to when, likewise; a day counts to its end. Else up to now.
    json
        Print the facts as JSON; times are in seconds.
    """
    from lampway.engine.delivery import ShowDelivery

    with session() as opened:
        found = opened.run(ShowDelivery(solution=solution, since=since, until=until))
    if json:
        emit(found)
        return 0
    heads = ("solution", "in", "deployments", "a week", "lead time", "failed", "restored in", "rework", "by people")
    table([_row(one) for one in found], heads)
    for one in found:
        if one.unrestored:
            say(f"{one.solution} in {one.environment}: {one.unrestored} that did badly, and nothing good since")
    return 0


def _row(one: Delivery) -> tuple[str, ...]:
    return (
        one.solution,
        one.environment,
        str(one.deployments),
        f"{one.per_week:g}",
        _time(one.lead_time),
        f"{one.failed} of {one.changes}" if one.changes else "-",
        _time(one.time_to_restore),
        _share(one.rework_rate),
        _share(one.by_people),
    )


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else span(seconds)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def metrics_export(*, prometheus: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Write everything that is worth a curve or an alarm, as Prometheus reads it.

    Parameters
    ----------
    prometheus
        The file to write, whole or not at all, as a textfile collector wants it; - for the standard output.
    """
    from lampway.domain.exposition import to_text
    from lampway.engine.measures import ShowMeasures

    with session(quiet=True) as opened:
        measures = opened.run(ShowMeasures())
    text = to_text(measures)
    if prometheus == "-":
        say(text.removesuffix("\n"))
        return 0
    path = Path(prometheus)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    note(f"{path}: {sum(len(m.samples) for m in measures)} samples")
    return 0


def metrics_trace(
    *,
    endpoint: str,
    solution: str = "",
    since: str = "",
    header: Annotated[tuple[str, ...], Parameter(name="--header", negative="")] = (),
    json: Json = False,
) -> int:
    """Send deployments and their steps as traces to an OpenTelemetry receiver (OTLP over HTTP).

    Sending the same again changes nothing there: ids follow from the ledger.

    Parameters
    ----------
    endpoint
        As in http://127.0.0.1:4318/v1/traces.
    solution
        Only this one.
    since
        Only what ended since: a day, or a time with its zone.
    header
        NAME=REFERENCE, such as authorization=env:OTLP_TOKEN; may be given several times.
    json
        Print the facts as JSON.
    """
    from lampway.engine.traces import ShowSpans

    if not endpoint.startswith(("http://", "https://")):
        raise UsageError(f"not an address: {endpoint[:80]}", hint="as in http://127.0.0.1:4318/v1/traces")
    headers = dict(_header(one) for one in header)
    with session(quiet=True) as opened:
        spans = opened.run(ShowSpans(solution, since))
    if spans:
        send_traces(spans, endpoint, headers, __version__)
    deployments = sum(1 for one in spans if not one.parent)
    if json:
        emit({"spans": len(spans), "deployments": deployments})
    else:
        say(f"{deployments} deployments sent, {len(spans)} spans in all")
    return 0


def _header(text: str) -> tuple[str, str]:
    name, equals, reference = text.partition("=")
    if not (name and equals and is_reference(reference)):
        hint = "write it as in: --header authorization=env:OTLP_TOKEN"
        raise UsageError("a header is given by its name and a secret reference", hint=hint)
    return name.lower(), resolve_secret(reference).reveal()
