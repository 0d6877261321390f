"""When an inject node fires, in words."""

from __future__ import annotations

import re

from lampway.platforms.nodered.flows import Node

_UNITS = (
    (86400, "day", "once a day"),
    (3600, "h", "once an hour"),
    (60, "min", "every minute"),
    (1, "s", "every second"),
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def schedule_edits(old: Node, new: Node) -> list[str]:
    """Return in words how the times at which an inject node fires differ; empty when they do not."""
    edits = []
    before, after = _timer(old), _timer(new)
    if before != after:
        edits.append(_timer_edit(before, after))
    first, then = _start(old), _start(new)
    if first != then:
        if not first:
            edits.append(f"now also runs {then}")
        else:
            edits.append(f"runs {then} instead of {first}" if then else f"no longer runs {first}")
    return edits


def _timer_edit(before: str, after: str) -> str:
    if not before:
        return f"now also runs {after}"
    if not after:
        return f"no longer runs {before}"
    every = after.startswith(("every", "once")) and before.startswith(("every", "once"))
    return f"{'repeats' if every else 'runs'} {after} instead of {before}"


def _timer(node: Node) -> str:
    cron, repeat = str(node.get("crontab") or "").strip(), str(node.get("repeat") or "").strip()
    if cron:
        return _cron(cron)
    try:
        seconds = float(repeat)
    except ValueError:
        return f"every `{repeat}` s" if repeat else ""
    return _every(seconds) if seconds > 0 else ""


def _every(seconds: float) -> str:
    for size, unit, once in _UNITS:
        if seconds == size:
            return once
        if seconds % size == 0:
            return f"every {seconds / size:g} {unit}{'s' if unit == 'day' else ''}"
    return f"every {seconds:g} s"


def _cron(cron: str) -> str:
    match = re.fullmatch(r"(\d{1,2}) (\d{1,2}) \* \* (\*|\d(?:[,-]\d)*)", " ".join(cron.split()))
    if not match:
        return f"on the schedule `{cron}`"
    time = f"at {int(match[2]):02d}:{int(match[1]):02d}"
    if match[3] in {"*", "0-6", "0,1,2,3,4,5,6"}:
        return f"{time} every day"
    days = re.sub(r"\d", lambda day: _DAYS[int(day[0])] if int(day[0]) < 8 else day[0], match[3])
    return f"{time} on {days.replace('-', ' to ').replace(',', ', ')}"


def _start(node: Node) -> str:
    if not node.get("once"):
        return ""
    delay = str(node.get("onceDelay") or "").strip()
    return f"{delay} s after each start" if delay and delay != "0" else "at each start"
