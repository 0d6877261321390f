"""How a canvas app changed, in the words of whoever builds apps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lampway.domain.package import Edit
from lampway.platforms.powerplatform.canvas import CanvasApp, Control, source_facts
from lampway.platforms.powerplatform.wording import MOST, changed, json_edits

_MOST_EDITS = 200
"""How many differences of one app are told one by one; nobody reads more."""
_TOPS = {"screen": "screen", "appinfo": "app", "hostControl": "host"}


def canvas_edits(old: CanvasApp, new: CanvasApp) -> Iterator[Edit]:
    """Yield every difference between two builds of an app: screens, controls and their formulas, data, files."""
    count = 0
    for edit in _edits(old, new):
        count += 1
        if count <= _MOST_EDITS:
            yield edit
    if count > _MOST_EDITS:
        yield Edit("", f"{count - _MOST_EDITS} more differences")


def _edits(old: CanvasApp, new: CanvasApp) -> Iterator[Edit]:
    for name in dict.fromkeys([*old.tops, *new.tops]):
        was, now = old.tops.get(name), new.tops.get(name)
        if was is None and now is not None:
            yield Edit(name, f"{_top(now)} added{_with(now)}")
        elif now is None and was is not None:
            yield Edit(name, f"{_top(was)} removed{_with(was)}")
        elif was is not None and now is not None:
            yield from _screen(was, now)
    yield from _sources(old, new)
    yield from _files(old, new)
    yield from json_edits(old.properties, new.properties, "setting ")


def _top(control: Control) -> str:
    return f"{_TOPS.get(control.kind, 'component')} *{control.name}*"


def _with(control: Control) -> str:
    count = sum(1 for _ in control.walk()) - 1
    return f", with {count} control{'s' if count > 1 else ''}" if count else ""


@dataclass(frozen=True, slots=True)
class _Placed:
    control: Control
    holder: str


def _placed(top: Control) -> dict[str, _Placed]:
    found: dict[str, _Placed] = {}
    stack = [(top, "")]
    while stack:
        control, holder = stack.pop()
        found.setdefault(control.name, _Placed(control, holder))
        stack.extend((child, control.name) for child in reversed(control.children))
    return found


def _screen(old: Control, new: Control) -> Iterator[Edit]:
    before, after = _placed(old), _placed(new)
    for name, placed in after.items():
        if name not in before and (placed.holder in before or not placed.holder):
            place = f" in *{placed.holder}*" if placed.holder != new.name else ""
            yield Edit(
                f"{new.name}/{name}",
                f"{_top(new)}: {placed.control.kind} *{name}* added{place}{_with(placed.control)}",
            )
    for name, placed in before.items():
        if name not in after and (placed.holder in after or not placed.holder):
            yield Edit(
                f"{new.name}/{name}", f"{_top(new)}: {placed.control.kind} *{name}* removed{_with(placed.control)}"
            )
    for name, placed in after.items():
        if name in before:
            yield from _control(before[name], placed, new)


def _control(was: _Placed, now: _Placed, top: Control) -> Iterator[Edit]:
    name = now.control.name
    prefix = f"{_top(top)}: " if name == top.name else f"{_top(top)}: *{name}*: "
    if was.holder != now.holder:
        yield Edit(f"{top.name}/{name}", f"{prefix}moved from *{was.holder}* to *{now.holder}*")
    if was.control.kind != now.control.kind:
        yield Edit(f"{top.name}/{name}", f"{prefix}now a {now.control.kind} instead of a {was.control.kind}")
    elif was.control.template.version != now.control.template.version:
        version = now.control.template.version or "unknown"
        yield Edit(f"{top.name}/{name}", f"{prefix}{now.control.kind} of version {version}")
    before, after = was.control.formulas, now.control.formulas
    count = 0
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            count += 1
            if count <= MOST:
                words = changed("", before.get(key), after.get(key))
                yield Edit(f"{top.name}/{name}/{key}", f"{prefix}property *{key}* {words}")
    if count > MOST:
        yield Edit(f"{top.name}/{name}", f"{prefix}{count - MOST} more properties changed")
    yield from json_edits(was.control.settings, now.control.settings, prefix)


def _sources(old: CanvasApp, new: CanvasApp) -> Iterator[Edit]:
    for name in dict.fromkeys([*old.sources, *new.sources]):
        was, now = old.sources.get(name), new.sources.get(name)
        if was is None:
            yield Edit(f"sources/{name}", f"data source *{name}* added")
        elif now is None:
            yield Edit(f"sources/{name}", f"data source *{name}* removed")
        else:
            yield from json_edits(source_facts(was), source_facts(now), f"data source *{name}*: ")


def _files(old: CanvasApp, new: CanvasApp) -> Iterator[Edit]:
    yield from _named(old.files, new.files, "file")


def _named(before: Mapping[str, str], after: Mapping[str, str], word: str) -> Iterator[Edit]:
    for name in dict.fromkeys([*before, *after]):
        if name not in before:
            yield Edit(name, f"{word} {name} added")
        elif name not in after:
            yield Edit(name, f"{word} {name} removed")
        elif before[name] != after[name]:
            yield Edit(name, f"{word} {name} changed")
