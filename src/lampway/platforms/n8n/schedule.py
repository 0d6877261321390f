"""When a trigger starts a workflow by itself, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lampway.platforms.n8n.workflows import Node

_TYPES = {"n8n-nodes-base.scheduleTrigger", "n8n-nodes-base.cron", "n8n-nodes-base.interval"}
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_UNITS = {"seconds": "second", "minutes": "minute", "hours": "hour", "days": "day", "weeks": "week", "months": "month"}
_USUAL = {"secondsInterval": 30, "minutesInterval": 5}
_MODES = {
    "everyMinute": "every minute", "everyHour": "every hour", "everyDay": "every day", "everyWeek": "every week",
    "everyMonth": "every month",
}  # fmt: skip


def schedule_keys(node: Node) -> set[str]:
    """Return the parameters of a node that say when it starts a workflow by itself."""
    if node["type"] == "n8n-nodes-base.interval":
        return {"interval", "unit"}
    if node["type"] in _TYPES:
        return {"rule", "triggerTimes"}
    return {key for key in ("pollTimes",) if key in node["parameters"]}


def schedule_of(node: Node) -> list[str]:
    """Return in words when a node starts a workflow by itself; empty where it does not."""
    parameters = node["parameters"]
    if node["type"] == "n8n-nodes-base.interval":
        return [_every(parameters.get("interval", 1), str(parameters.get("unit", "seconds")))]
    if node["type"] == "n8n-nodes-base.scheduleTrigger":
        return [_rule(rule) for rule in _listed(parameters.get("rule"), "interval") or [{}]]
    key = "triggerTimes" if node["type"] in _TYPES else "pollTimes"
    return [_time(time) for time in _listed(parameters.get(key), "item")]


def schedule_edits(old: Node, new: Node) -> Iterator[str]:
    """Yield in words how the times at which a node starts its workflow differ."""
    before, after = schedule_of(old), schedule_of(new)
    if before == after:
        return
    if len(before) == 1 and len(after) == 1:
        yield f"runs {after[0]} instead of {before[0]}"
        return
    yield from (f"now also runs {time}" for time in after if time not in before)
    yield from (f"no longer runs {time}" for time in before if time not in after)


def _listed(stated: Any, key: str) -> list[dict[str, Any]]:
    listed = stated.get(key) if isinstance(stated, dict) else None
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _every(number: Any, unit: str) -> str:
    """Return `every minute`, `every 5 minutes`; what an expression works out is shown as it is."""
    word = _UNITS.get(unit, unit)
    if number == 1:
        return f"every {word}"
    if isinstance(number, int | float):
        return f"every {number:g} {word}s"
    return f"every `{str(number).removeprefix('=')[:60]}` {word}s"


def _rule(rule: dict[str, Any]) -> str:
    """Return when one rule of a schedule trigger fires."""
    field = str(rule.get("field", "days"))
    if field == "cronExpression":
        return _cron(str(rule.get("expression", "")))
    key = f"{field}Interval"
    told = _every(rule.get(key, _USUAL.get(key, 1)), field)
    if field == "weeks":
        days = rule.get("triggerAtDay", [0])
        told += f" on {_days(days if isinstance(days, list) else [days])}"
    if field == "months":
        told += f" on day {rule.get('triggerAtDayOfMonth', 1)}"
    minute = rule.get("triggerAtMinute", 0)
    if field == "hours":
        return told if minute == 0 else f"{told} at minute {minute}"
    return told if field in {"seconds", "minutes"} else f"{told} at {_clock(rule.get('triggerAtHour', 0), minute)}"


def _days(days: list[Any]) -> str:
    return ", ".join(_DAYS[day] if isinstance(day, int) and 0 <= day < 7 else str(day)[:20] for day in days)


def _clock(hour: Any, minute: Any) -> str:
    if isinstance(hour, int) and isinstance(minute, int):
        return f"{hour:02d}:{minute:02d}"
    return f"{str(hour)[:30]}:{str(minute)[:30]}"


def _cron(cron: str) -> str:
    flat = " ".join(cron.removeprefix("=").split())
    match = re.fullmatch(r"(?:0 )?(\d{1,2}) (\d{1,2}) \* \* (\*|\d(?:[,-]\d)*)", flat)
    if not match:
        return f"on the schedule `{flat[:60]}`"
    clock = f"at {int(match[2]):02d}:{int(match[1]):02d}"
    if match[3] in {"*", "0-6", "0,1,2,3,4,5,6"}:
        return f"every day {clock}"
    days = re.sub(r"\d", lambda day: _DAYS[int(day[0]) % 7] if int(day[0]) < 8 else day[0], match[3])
    return f"{clock} on {days.replace('-', ' to ').replace(',', ', ')}"


def _time(time: dict[str, Any]) -> str:
    """Return one time of a cron node, or of a trigger that asks another system now and then."""
    mode = str(time.get("mode", "everyDay"))
    if mode == "custom":
        return _cron(str(time.get("cronExpression", "* * * * * *")))
    if mode == "everyX":
        return _every(time.get("value", 2), str(time.get("unit", "hours")))
    told = _MODES.get(mode, mode[:60])
    hour, minute = time.get("hour", 14), time.get("minute", 0)
    match mode:
        case "everyMinute":
            return told
        case "everyHour":
            return told if minute == 0 else f"{told} at minute {minute}"
        case "everyWeek":
            day = time.get("weekday", "1")
            told += f" on {_days([int(day) if str(day) in set('0123456') else day])}"
        case "everyMonth":
            told += f" on day {time.get('dayOfMonth', 1)}"
    return f"{told} at {_clock(hour, minute)}"
