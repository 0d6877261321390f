"""Measures as Prometheus reads them: the text exposition format, version 0.0.4. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, told apart from others of its measure by its labels."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    """`_sum` or `_count` of a summary."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with all its samples."""

    name: str
    kind: str
    """gauge, counter or summary."""
    about: str
    samples: tuple[Sample, ...]


def to_text(measures: Iterable[Measure]) -> str:
    """Return the measures as Prometheus scrapes them; those without a sample are left out."""
    lines = []
    for measure in measures:
        if not _NAME.fullmatch(measure.name):
            raise ValueError(measure.name)
        if not measure.samples:
            continue
        lines.append(f"# HELP {measure.name} {_escaped(measure.about)}")
        lines.append(f"# TYPE {measure.name} {measure.kind}")
        lines += [_line(measure.name, sample) for sample in measure.samples]
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_quoted(value)}"' for key, value in sample.labels.items())
    return f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
