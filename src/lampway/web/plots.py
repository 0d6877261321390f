"""Plots, drawn here as SVG: numbers beside every bar, so that nobody needs the picture to read them."""

from __future__ import annotations

import html
from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _ROW, _LABEL, _VALUE = 420, 26, 130, 70
_HEIGHT, _FOOT = 150, 22
_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
_LONGEST = 18


def lasting(seconds: float | None) -> str:
    """Return a length of time in the largest unit that it fills; a dash where there is none."""
    if seconds is None:
        return "–"
    unit, length = next(((u, n) for u, n in _UNITS if seconds >= n), _UNITS[-1])
    return f"{round(seconds / length, 1):g} {unit}"


def percent(share: float | None) -> str:
    """Return a share in per cent; a dash where there is none."""
    return "–" if share is None else f"{round(100 * share)} %"


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> Markup:
    """Return a bar per row: its name, its length, and its value in words."""
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    room = _WIDTH - _LABEL - _VALUE
    parts = []
    for number, (name, value, words) in enumerate(rows):
        top = number * _ROW
        long = round(room * value / most, 1)
        parts.append(
            f'<text class="name" x="{_LABEL - 8}" y="{top + 17}" text-anchor="end">{_clipped(name)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{top + 4}" width="{long}" height="{_ROW - 8}" rx="3"/>'
            f'<text class="value" x="{_LABEL + long + 6}" y="{top + 17}">{html.escape(words)}</text>'
        )
    told = "; ".join(f"{name}: {words}" for name, _, words in rows)
    return _figure(title, "".join(parts), max(len(rows), 1) * _ROW, told)


def steps(title: str, rows: Sequence[tuple[str, float]]) -> Markup:
    """Return a column per row, from left to right: its day, and its value."""
    most = max((value for _, value in rows), default=0.0) or 1.0
    wide = _WIDTH / max(len(rows), 1)
    parts = [f'<line class="ground" x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/>']
    for number, (day, value) in enumerate(rows):
        tall = round((_HEIGHT - 20) * value / most, 1)
        mark = html.escape(day[5:]) if number % 2 else ""
        left, middle = round(number * wide + 4, 1), round((number + 0.5) * wide, 1)
        parts.append(
            f'<rect class="bar" x="{left}" y="{_HEIGHT - tall}" width="{round(wide - 8, 1)}" height="{tall}" rx="3"/>'
            f'<text class="value" x="{middle}" y="{_HEIGHT - tall - 5}" text-anchor="middle">{value:g}</text>'
            f'<text class="name" x="{middle}" y="{_HEIGHT + 16}" text-anchor="middle">{mark}</text>'
        )
    told = "; ".join(f"from {day}: {value:g}" for day, value in rows)
    return _figure(title, "".join(parts), _HEIGHT + _FOOT, told)


def _figure(title: str, inside: str, height: int, told: str) -> Markup:
    label = html.escape(f"{title}. {told or 'nothing yet'}", quote=True)
    picture = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{inside}</svg>'
    shown = picture if told else '<p class="hint">Nothing yet.</p>'
    return Markup(f'<figure class="plot"><figcaption>{html.escape(title)}</figcaption>{shown}</figure>')  # noqa: S704


def _clipped(name: str) -> str:
    return html.escape(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")
