"""Watching an environment without governing it: what makers edited live since the last look, in their own words.

Needs no strategy, no store and no right to change anything: it exports what is there and compares that with what was
there before. What is kept of a look holds no secret: where one is typed into a package, that part is blanked before,
and where that cannot be done, only fingerprints of the components are kept.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lampway.domain.digest import digest, short, to_plain
from lampway.domain.notify import Channel
from lampway.domain.package import Component, Inspection, Scope, Severity
from lampway.domain.secret import Secret, is_reference, mask_bytes
from lampway.engine.bringing import Sight, Surveying
from lampway.engine.deliver import way_of
from lampway.engine.platform import Access, Export, Observation, PackageFormat, Platform
from lampway.engine.ports import Clock, Courier, Message, Scanner, Secrets
from lampway.errors import InvalidPackageError

_SCOPE = "live"
"""What the whole of an environment is called where a solution's name is asked for."""
FORMAT = 1
"""Of what is kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a look, to compare the next one with."""

    at: str
    """ISO time, UTC."""
    url: str
    platform: str
    revision: str
    """The platform's own mark; the same mark again means that nothing changed."""
    salt: str
    """Makes digests of values useless elsewhere."""
    components: dict[str, dict[str, str]] = field(default_factory=dict)
    """Id to type, name and fingerprint."""
    values: dict[str, str] = field(default_factory=dict)
    """Variable to a digest of its value."""
    bound: dict[str, list[str]] = field(default_factory=dict)
    """Connection to the fields for which a secret is stored there."""
    package: str = ""
    """What was there, blanked and in base64; empty where that could not be done."""
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    """Id to type, name and state of what no package tells."""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class LiveEdits:
    """What one look told."""

    environment: str
    at: str
    since: str
    """When it was looked at before; empty for the first look."""
    changes: tuple[str, ...]
    """One line each, in a maker's words; never a secret."""
    editors: tuple[str, ...] | None
    """Who edits there, as far as the platform tells; None where it does not."""
    containers: int
    """How many apps, tabs or workflows there are."""


@dataclass(frozen=True, slots=True)
class Place:
    """An environment to be looked at, and how it is reached."""

    name: str
    platform: str
    url: str
    access: Mapping[str, str]
    """Field to secret reference, or a plain user name."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else the platform must be told, in clear."""


class Looks(Protocol):
    """Keeps the last look."""

    def read(self, url: str) -> Kept | None:
        """Return the last look at this address, or None for none. Raises StorageError for one of another place."""
        ...

    def write(self, kept: Kept) -> None:
        """Keep a look in place of the one before. Raises StorageError."""
        ...


@dataclass(frozen=True, slots=True)
class LiveWatch:
    """Looks at one environment again and again."""

    place: Place
    platform: Platform
    scanner: Scanner
    secrets: Secrets
    courier: Courier
    clock: Clock
    looks: Looks
    salt: str
    channel: Channel | None = None
    """Where edits are told besides."""
    allow: tuple[str, ...] = ()

    def look(self) -> LiveEdits:
        """Look once, tell what was edited through the channel, if there is one, and keep what was seen.

        What could not be told is told again by the next look. Raises LampwayError.
        """
        place, before = self.place, self.looks.read(self.place.url)
        given = place.access.items()
        credentials = {k: self.secrets.resolve(v) if is_reference(v) else Secret(v) for k, v in given}
        now = self.clock.now().isoformat(timespec="milliseconds")
        access = Access(place.name, place.url, credentials, place.url, settings=place.settings)
        edits, kept = look(self.platform, access, self.scanner, before, now=now, salt=self.salt)
        if edits.changes and self.channel is not None:
            title, text = in_words(edits)
            name = f"msg_{short(digest([edits.environment, edits.since, edits.changes]))}_live-edits"
            message = Message(name, "live-edits", title, text, "", now, to_plain(edits))
            self.courier.send(way_of(self.channel, self.secrets, self.allow), message, self.clock.now())
        self.looks.write(kept)
        return edits


def look(
    platform: Platform,
    access: Access,
    scanner: Scanner,
    before: Kept | None,
    *,
    now: str,
    salt: str,
) -> tuple[LiveEdits, Kept]:
    """Look at an environment and say what differs from the look before. Changes nothing there.

    Raises UnreachableError, AccessError, PlatformError.
    """
    observed = platform.observe(access, {})
    export, others, count = _seen(platform, access, observed)
    salt = before.salt if before else salt
    kept = Kept(
        at=now,
        url=access.url,
        platform=platform.name,
        revision=observed.revision,
        salt=salt,
        others={one.id: {"type": one.type, "name": one.name, "state": one.state} for one in others},
        **(_facts(platform.format, scanner, export, salt) if export else {}),
    )
    changes = tuple(_changes(platform.format, before, kept)) if before else ()
    editors = export.editors if export else ()
    edits = LiveEdits(access.environment, now, before.at if before else "", changes, editors, count)
    return edits, kept


def _seen(platform: Platform, access: Access, observed: Observation) -> tuple[Export | None, tuple[Sight, ...], int]:
    """Return everything that is there as one export, what no export tells, and how many containers there are."""
    if isinstance(platform, Surveying):
        whole = platform.survey(access)
        return whole.export, whole.others, whole.count
    names = tuple(component.id for component in observed.unowned)
    scope = Scope(_SCOPE, "0.0.0", contains=names)
    return (platform.export(access, scope, {_SCOPE: scope}) if names else None), (), len(names)


def _facts(form: PackageFormat, scanner: Scanner, export: Export, salt: str) -> dict[str, Any]:
    inspection = form.inspect(export.package)
    return {
        "components": {c.id: {"type": c.type, "name": c.name, "mark": c.fingerprint} for c in _components(inspection)},
        "values": {name: digest([salt, name, value]) for name, value in export.values.items()},
        "bound": {name: sorted(fields) for name, fields in export.bound.items()},
        "package": base64.b64encode(_blanked(form, scanner, export.package, inspection)).decode(),
    }


def _components(inspection: Inspection) -> tuple[Component, ...]:
    return inspection.inventory.components


def _blanked(form: PackageFormat, scanner: Scanner, package: bytes, inspection: Inspection) -> bytes:
    """Return the package without what looks like a secret in it; nothing where something of that would be left."""
    secrets = _secrets(scanner, inspection)
    if not secrets:
        return package
    blanked = mask_bytes(package, secrets)
    try:
        again = form.inspect(blanked)
    except InvalidPackageError:
        return b""
    return b"" if _secrets(scanner, again) else blanked


def _secrets(scanner: Scanner, inspection: Inspection) -> tuple[Secret, ...]:
    """Return the texts in which the scanner finds a secret, each whole."""
    names = [v.name for v in inspection.inventory.variables]
    found = scanner.scan(inspection.literals, names)
    places = {finding.place for finding in found if finding.severity is Severity.SECRET}
    return tuple(Secret(literal.value) for literal in inspection.literals if literal.place in places)


def _changes(form: PackageFormat, before: Kept, after: Kept) -> Iterator[str]:
    told, lines = _semantic(form, before, after)
    yield from lines
    was, now = before.components, after.components
    for key in [*now, *(key for key in was if key not in now)]:
        if key in told or (key in was and key in now and was[key]["mark"] == now[key]["mark"]):
            continue
        thing = now.get(key) or was[key]
        word = "added" if key not in was else "removed" if key not in now else "changed, where a secret is typed in"
        yield f"{thing['type']} *{thing['name']}* {word}"
    yield from _of_others(before.others, after.others)
    yield from _of_values(before.values, after.values)
    yield from _of_secrets(before.bound, after.bound)


def _semantic(form: PackageFormat, before: Kept, after: Kept) -> tuple[set[str], tuple[str, ...]]:
    """Return what the platform's own comparison tells, and about which components; nothing where it cannot."""
    if not before.package or not after.package:
        return set(), ()
    diff = form.diff(base64.b64decode(before.package), base64.b64decode(after.package))
    told = {c.id for c in (*diff.added, *diff.removed, *(change.component for change in diff.changed))}
    return told, diff.summaries()


def _of_others(was: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for key in [*now, *(key for key in was if key not in now)]:
        one = now.get(key) or was[key]
        title = f"{one['type']} *{one['name']}*"
        if key not in now:
            yield f"{title} is gone, or no longer: {one['state']}"
        elif key not in was:
            yield f"{title}: {one['state']}"
        elif was[key]["state"] != one["state"]:
            yield f"{title}: {one['state']}; before: {was[key]['state']}"


def _of_values(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            word = (
                "given a value" if name not in was else "no longer given" if name not in now else "given another value"
            )
            yield f"variable {name} {word}"


def _of_secrets(was: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> Iterator[str]:
    for name in sorted(was.keys() | now.keys()):
        before, after = set(was.get(name, ())), set(now.get(name, ()))
        yield from (f"connection {name}: a secret is stored for {one} now" for one in sorted(after - before))
        yield from (f"connection {name}: no secret is stored for {one} any more" for one in sorted(before - after))


def in_words(edits: LiveEdits) -> tuple[str, str]:
    """Return title and text of the message about a look."""
    if not edits.since:
        return (
            f"{edits.environment} looked at for the first time",
            f"{edits.containers} apps are there; edits are told from now on",
        )
    count = len(edits.changes)
    since = f"{edits.since[:16].replace('T', ' ')} UTC"
    if not count:
        return f"nothing was edited live in {edits.environment}", f"since {since}"
    title = f"{count} live edit{'s' if count != 1 else ''} in {edits.environment} since {since}"
    if edits.editors is None:
        who = "the platform does not tell who"
    else:
        who = f"whoever edits there, as the platform tells: {', '.join(edits.editors) or 'nobody'}"
    return title, "\n".join((*(f"- {change}" for change in edits.changes), who))
