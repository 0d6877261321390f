"""Lengths of time in governance files: `90m`, `24h`, `7d`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from lampway.config.section import fault
from lampway.domain.spans import HINT, PATTERN, parse_span


def _span(value: object) -> float:
    seconds = parse_span(value) if isinstance(value, str) else None
    if seconds is None:
        raise fault("must be a length of time", HINT)
    return seconds


Span: TypeAlias = Annotated[float, BeforeValidator(_span), WithJsonSchema({"type": "string", "pattern": PATTERN})]
"""A length of time; kept in seconds."""
