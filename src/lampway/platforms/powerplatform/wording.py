"""What differs between two texts, values or trees, in words, short, and never a secret."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lampway.domain.package import Edit
from lampway.platforms.powerplatform.jsontext import compact
from lampway.platforms.powerplatform.names import is_secret_name, words_of
from lampway.platforms.powerplatform.xmltext import Element, is_blank

STARS = "********"
"""Stands for a value that is not shown."""
MOST = 12
"""How many details of one thing are told one by one."""

_LONGEST = 60
_LONGEST_READ = 5000
_LARGEST = 1_000_000
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_IN_QUERY = re.compile(r"([?&;]([\w.-]+)=)([^&#\s'\"`]+)")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s+)[\w.~+/=-]{6,}")
_TOKEN = re.compile(r"(?<![\w/.-])(?=[\w+=~-]*[0-9])(?=[\w+=~-]*[A-Z])(?=[\w+=~-]*[a-z])[\w+=~-]{24,}(?![\w/-])")
_CLIENT_SECRET = re.compile(r"[\w~.-]{3}\dQ~[\w~.-]{20,40}")
"""What Microsoft Entra gives applications: full stops in it hide it from the rule for tokens."""
_ASSIGNED = re.compile(r"""([\w$.'"\]\[-]+?)(\s*(?:=>?|:|,)\s*)(["'])((?:\\.|(?!\3).)*)(?:\3|\Z)""")
_DATA = re.compile(r"[A-Za-z0-9+/\s]{100,}={0,2}\s*")
_UNSET: tuple[Any, ...] = (None, "", [], {})
_KEYS = ("id", "name", "Name", "uniqueName", "schemaName", "type", "value", "languagecode", "attribute", "PhysicalName")


def is_masked_name(name: str) -> bool:
    """Return whether a value under this name is never shown: wider than what counts as a secret for the scanner."""
    words = words_of(name)
    return is_secret_name(name) or "key" in words or "auth" in words or "sig" in words


def shown(name: str, value: Any) -> str:
    """Return a value as people may see it: on one line, shortened, stars for what is or looks like a secret."""
    if value in _UNSET:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_masked_name(name):
        return STARS
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else compact(_bare("", value)).decode("utf-8", "replace")
    if _DATA.fullmatch(text[:_LONGEST_READ]):
        return f"data of {len(text):,} characters"
    short = shorten(hide(text))
    return short if short == STARS else f"`{short}`"


def _bare(name: str, value: Any) -> Any:
    """Return a value with stars for everything under a secret name, however deep."""
    if is_masked_name(name) and value not in (None, "", True, False):
        return STARS
    if isinstance(value, list):
        return [_bare("", item) for item in value]
    if isinstance(value, dict):
        named = value.get("name")
        return {
            key: _bare(str(named) if key == "value" and isinstance(named, str) else key, item)
            for key, item in value.items()
        }
    return value


def hide(text: str) -> str:
    """Return a text with stars for what is assigned to a secret name and for what looks like a secret.

    Only the first 5000 characters come back, for patterns take their time on longer ones.
    """
    text = text[:_LONGEST_READ]
    text = _ASSIGNED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{STARS}{m[3]}" if is_masked_name(m[1]) else m[0], text)
    text = _IN_URL.sub(rf"\1{STARS}@", text)
    text = _IN_QUERY.sub(lambda m: f"{m[1]}{STARS}" if is_masked_name(m[2]) or m[2] == "code" else m[0], text)
    text = _BEARER.sub(rf"\1\2{STARS}", text)
    text = _CLIENT_SECRET.sub(STARS, text)
    return _TOKEN.sub(STARS, text)


def shorten(text: str) -> str:
    """Return a text on one line of at most sixty characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def changed(name: str, before: Any, after: Any) -> str:
    """Return what became of a value: `set to`, `removed, was`, `changed from ... to ...`; only what differs if long."""
    if before in _UNSET and after in _UNSET:
        return "emptied"
    if before in _UNSET:
        return f"set to {shown(name, after)}"
    if after in _UNSET:
        return f"removed, was {shown(name, before)}"
    was, now = shown(name, before), shown(name, after)
    if was != now:
        return f"changed from {was} to {now}"
    if is_masked_name(name) or was.startswith("data of "):
        return "changed"
    return f"changed{_around(_plain(before), _plain(after))}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else compact(_bare("", value)).decode("utf-8", "replace")


def _around(before: str, after: str) -> str:
    """Return where two texts differ that look the same once they are cut."""
    was, now = " ".join(hide(before).split()), " ".join(hide(after).split())
    if was == now:
        return ""
    pairs = enumerate(zip(was, now, strict=False))
    start = max(next((i for i, (a, b) in pairs if a != b), min(len(was), len(now))) - 15, 0)
    return f" from `…{shorten(was[start:])}` to `…{shorten(now[start:])}`"


def text_edit(name: str, before: str, after: str) -> str:
    """Return how many lines differ, and the first of them."""
    old, new = before.splitlines(), after.splitlines()
    added = removed = 0
    first = ""
    for i1, i2, j1, j2 in _differing(old, new):
        added, removed = added + j2 - j1, removed + i2 - i1
        line = next((line for line in (new[j1:j2] or old[i1:i2]) if line.strip()), "")
        if not first and line:
            kind = "changed" if i2 > i1 and j2 > j1 else "added" if j2 > j1 else "removed"
            first = f"; first {kind} line: `{shorten(hide(line))}`"
    what = f"lines +{added} −{removed}{first}" if added or removed else "line ends only"
    return f"{name} changed: {what}"


def _differing(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield what differs between two lists as ranges in the old and the new one; coarsely where they are very long."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    rest = min(len(old), len(new)) - start
    end = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    was, now = old[start : len(old) - end], new[start : len(new) - end]
    if len(was) * len(now) > _LARGEST:
        yield start, start + len(was), start, start + len(now)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield start + i1, start + i2, start + j1, start + j2


def flatten(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the leaves of a JSON value by the way to them; items of a list go by name where they have one."""
    found: dict[tuple[str, ...], Any] = {}
    stack = [(path, value)] if value not in ({}, []) else []
    while stack:
        way, one = stack.pop()
        if isinstance(one, dict) and one:
            stack.extend(((*way, str(key)), inner) for key, inner in one.items())
        elif isinstance(one, list) and one:
            stack.extend(((*way, key), inner) for key, inner in zip(_list_keys(one), one, strict=True))
        else:
            found[way] = one
    return found


def _list_keys(items: list[Any]) -> list[str]:
    names = [str(one.get("name") or one.get("id") or "") if isinstance(one, dict) else "" for one in items]
    if all(names) and len(set(names)) == len(names):
        return names
    return [str(number) for number in range(1, len(items) + 1)]


def tree_of(root: Element, skip: frozenset[str] = frozenset()) -> dict[tuple[str, ...], str]:
    """Return the texts and attributes of an XML tree by the way to them; equal tags go by what tells them apart."""
    found: dict[tuple[str, ...], str] = {}
    stack: list[tuple[tuple[str, ...], Element]] = [((), root)]
    while stack:
        way, element = stack.pop()
        for key, value in element.attrib.items():
            found[*way, key.rpartition("}")[2]] = value
        text = (element.text or "").strip()
        if text:
            found[way] = text
        elif not element.attrib and not len(element):
            found[way] = ""
        told = [child for child in element if child.tag not in skip and not is_blank(child)]
        stack.extend(((*way, key), child) for key, child in zip(_child_keys(told), told, strict=True))
    return found


def _child_keys(children: Sequence[Element]) -> Iterator[str]:
    tags = Counter(child.tag for child in children)
    seen: Counter[str] = Counter()
    for child in children:
        key = child.tag
        if tags[child.tag] > 1:
            mark = next((child.get(name, "") for name in _KEYS if child.get(name)), "")
            key = f"{child.tag} {mark}".rstrip()
        seen[key] += 1
        yield key if seen[key] == 1 else f"{key} {seen[key]}"


def leaf_edits(
    before: Mapping[tuple[str, ...], Any], after: Mapping[tuple[str, ...], Any], prefix: str = ""
) -> Iterator[Edit]:
    """Yield what differs between the leaves of two trees; many are told by their number."""
    differing = [way for way in dict.fromkeys([*before, *after]) if before.get(way) != after.get(way)]
    for way in differing[:MOST]:
        name = prefix + (" / ".join(way[-3:]) or "text")
        key = next((word for word in reversed(way) if not word.isdigit()), "")
        yield Edit("/".join(way), f"{name} {changed(key, before.get(way), after.get(way))}")
    if len(differing) > MOST:
        yield Edit("", f"{prefix}{len(differing) - MOST} more details changed")


def xml_edits(before: Element, after: Element, prefix: str = "") -> Iterator[Edit]:
    """Yield what differs between two XML trees."""
    yield from leaf_edits(tree_of(before), tree_of(after), prefix)


def json_edits(before: Any, after: Any, prefix: str = "") -> Iterator[Edit]:
    """Yield what differs between two JSON values."""
    yield from leaf_edits(flatten(before), flatten(after), prefix)
