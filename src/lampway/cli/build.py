"""Commands for building: inspect, scan, diff, release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lampway.app import Platforms, open_scanner, recognise
from lampway.cli.output import emit, paint, say
from lampway.cli.path import Json, follow
from lampway.cli.session import session
from lampway.domain.digest import digest_bytes, short
from lampway.domain.package import Diff, Finding, Inspection, Severity
from lampway.domain.release import Release
from lampway.engine.backport import BackportLine, ShowBackports
from lampway.engine.platform import Platform
from lampway.engine.promote import Promote
from lampway.engine.release import Made, MakeRelease
from lampway.engine.views import CompareReleases
from lampway.errors import InvalidPackageError, NotFoundError, UsageError

_LARGEST = 256 * 1024 * 1024
"""Bytes; more is no package of any platform we know."""


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint="name a package file")
    if not path.exists():
        raise NotFoundError("no such file", where=str(path))
    if path.stat().st_size > _LARGEST:
        raise UsageError(f"larger than any package: {path.stat().st_size} bytes", where=str(path))
    return path.read_bytes()


def open_package(path: Path) -> tuple[Platform, bytes]:
    """Return a package's bytes and the platform it is of. Raises NotFoundError, UsageError."""
    data = _read(path)
    if not data:
        raise UsageError("the file is empty", where=str(path), hint="export it again")
    try:
        return recognise(data, Platforms()), data
    except UsageError as error:
        raise UsageError(error.message, where=str(path), hint=error.hint, details=error.details) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Let what goes wrong with a package name its file."""
    try:
        yield
    except InvalidPackageError as error:
        where = f"{path}: {error.where}" if error.where else str(path)
        raise InvalidPackageError(error.message, where=where, hint=error.hint, details=error.details) from error


def inspect(file: Path, /, *, json: Json = False) -> int:
    """Show what is in a package: components, what it needs, and what is wrong with it. Needs no set-up.

    Parameters
    ----------
    file
        A package, or a platform's own export.
    json
        Print the facts as JSON.
    """
    platform, data = open_package(file)
    with reading(file):
        inspection = platform.format.inspect(data)
    findings = _findings(inspection)
    if json:
        emit(inspection_facts(inspection, findings, data))
    else:
        _say_inspection(inspection, findings, data)
    return 0


def _findings(inspection: Inspection) -> tuple[Finding, ...]:
    names = [v.name for v in inspection.inventory.variables]
    return inspection.faults(open_scanner().scan(inspection.literals, names))


def inspection_facts(inspection: Inspection, findings: tuple[Finding, ...], data: bytes) -> dict[str, object]:
    """Return an inspection in the shape that scripts rely on."""
    inventory = inspection.inventory
    return {
        "platform": inventory.platform,
        "solution": inventory.solution,
        "version": inventory.version,
        "managed": inventory.managed,
        "publisher": inspection.publisher,
        "sha256": digest_bytes(data).removeprefix("sha256:"),
        "fingerprint": inventory.fingerprint,
        "components": inventory.components,
        "variables": inventory.variables,
        "connections": inventory.connections,
        "dependencies": inventory.dependencies,
        "findings": findings,
        "notes": inventory.notes,
    }


def _say_inspection(inspection: Inspection, findings: tuple[Finding, ...], data: bytes) -> None:
    inventory = inspection.inventory
    name = f"{inventory.solution}@{inventory.version}" if inventory.solution else "not released by Lampway"
    say(f"{inventory.platform}: {name}, {len(data):,} bytes, {short(digest_bytes(data))}")
    if inventory.managed is not None:
        form = "managed" if inventory.managed else "unmanaged"
        say(f"  {form}{f', from {inspection.publisher}' if inspection.publisher else ''}")
    kinds: dict[str, int] = {}
    for component in inventory.components:
        kinds[component.type] = kinds.get(component.type, 0) + 1
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda i: (-i[1], i[0])))
    say(f"  holds: {counted or 'nothing'}")
    for variable in inventory.variables:
        need = "required" if variable.required else "optional"
        used = f", used by {', '.join(variable.used_by[:3])}" if variable.used_by else ""
        say(f"  variable {variable.name}: {variable.type}, {need}{used}")
    for connection in inventory.connections:
        say(f"  connection {connection.name} ({connection.connector}): {', '.join(connection.fields)}")
    for text in inventory.notes:
        say(f"  note: {text}")
    _say_findings(findings)


def _say_findings(findings: tuple[Finding, ...]) -> None:
    if not findings:
        say("  no hardcoded secret or endpoint found")
    for finding in findings:
        colour = "31" if finding.severity is Severity.SECRET else "33"
        say(f"  {paint(str(finding.severity), colour)}: {finding.place}: {finding.summary}")
        say(f"    fix: {finding.fix}")


def scan(path: Path, /, *, json: Json = False) -> int:
    """Look for hardcoded secrets and endpoints. Exits with 1 when there are any.

    Parameters
    ----------
    path
        A package, or a folder whose packages are all scanned.
    json
        Print the facts as JSON.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in (".zip", ".json", ".n8np"))
        files = [p for p in files if any(f.format.recognises(p.read_bytes()) for f in Platforms().values())]
        if not files:
            raise NotFoundError("no package in this folder", where=str(path))
    else:
        files = [path]
    found = {}
    for file in files:
        platform, data = open_package(file)
        with reading(file):
            found[str(file)] = _findings(platform.format.inspect(data))
    if json:
        emit([{"file": file, "findings": findings} for file, findings in found.items()])
    else:
        for name, findings in found.items():
            say(name)
            _say_findings(findings)
    blocking = any(f.severity in (Severity.SECRET, Severity.ENDPOINT) for findings in found.values() for f in findings)
    return 1 if blocking else 0


def diff(old: str, new: str, /, *, json: Json = False) -> int:
    """Show what separates two packages, in a maker's words.

    Parameters
    ----------
    old
        A package file, or SOLUTION@VERSION.
    new
        A package file, or SOLUTION@VERSION.
    json
        Print the facts as JSON.
    """
    if Path(old).exists() and Path(new).exists():
        (platform, before), (other, after) = open_package(Path(old)), open_package(Path(new))
        if platform.name != other.name:
            raise UsageError(f"{old} is of {platform.name}, {new} of {other.name}")
        found = platform.format.diff(before, after)
    elif "@" in old and "@" in new:
        with session() as opened:
            found = opened.run(CompareReleases(old, new))
    else:
        missing = old if not Path(old).exists() else new
        raise NotFoundError(f"no such file: {missing}", hint="name two package files, or two releases SOLUTION@VERSION")
    if json:
        emit(diff_facts(old, new, found))
    else:
        say_diff(found)
    return 0


def diff_facts(old: str, new: str, found: Diff) -> dict[str, object]:
    """Return a diff in the shape that scripts rely on."""
    return {
        "from": old,
        "to": new,
        "added": found.added,
        "removed": found.removed,
        "changed": [{"component": c.component, "changes": c.edits} for c in found.changed],
        "unchanged": found.unchanged,
        "reversibility": found.reversibility,
        "notes": found.notes,
    }


def say_diff(found: Diff) -> None:
    """Print a diff in a maker's words."""
    for component in found.added:
        say(paint(f"  + {component.type} *{component.name}*", "32"))
    for component in found.removed:
        say(paint(f"  - {component.type} *{component.name}*", "31"))
    for change in found.changed:
        for edit in change.edits:
            say(f"  ~ {change.component.type} *{change.component.name}*: {edit.summary}")
    if found.is_empty:
        say("  no difference in what it does")
    for text in found.notes:
        say(f"  note: {text}")


def release(
    solution: str,
    /,
    *,
    from_: str = "",
    version: str = "",
    bump: str = "",
    message: str = "",
    promote: str = "",
    blank_defaults: bool = False,
    json: Json = False,
) -> int:
    """Export a solution from dev, check it, commit it and seal it as a release.

    Parameters
    ----------
    solution
        What to release.
    from_
        Environment where it was built; the pipeline's own if left out.
    version
        Such as 1.4.0; proposed from what changed if left out.
    bump
        patch, minor or major, instead of a version.
    message
        What this release is about.
    promote
        Ask to move it on to this stage at once.
    blank_defaults
        Take the values out of the package that dev left in as defaults; the release records what was taken out.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        made = opened.run(MakeRelease(solution, from_, version, bump, message, blank_defaults=blank_defaults))
        if not json:
            _say_made(solution, made)
            owed = opened.run(ShowBackports(solution))
            _say_owed(owed)
        if not promote:
            if json:
                emit(_made_facts(made))
            return 0
        name = f"{solution}@{made.release.version if made.release else made.last}"
        asked = opened.run(Promote(name, promote, message)).promotions
        return follow(opened, asked, as_json=json, beside=_made_facts(made))


def _made_facts(made: Made) -> dict[str, object]:
    sealed = made.release
    return {
        "release": sealed.name if sealed else None,
        "digest": sealed.digest if sealed else None,
        "package": sealed.package if sealed else None,
        "commit": sealed.commit if sealed else None,
        "makers": sealed.makers if sealed else [],
        "transformations": sealed.transformations if sealed else [],
        "last": made.last,
        "changes": list(made.diff.summaries()) if made.diff else [],
        "notes": made.notes,
    }


def _say_made(solution: str, made: Made) -> None:
    if made.release is None:
        say(f"nothing changed since {solution}@{made.last}; no release was made")
        return
    sealed: Release = made.release
    why = f" ({made.bump} of {made.last})" if made.bump else ""
    say(f"{sealed.name}{why}: sealed as {short(sealed.digest)}")
    say(f"  package {short(sealed.package.digest)}, {sealed.package.size:,} bytes; commit {sealed.commit[:12]}")
    say(f"  makers: {', '.join(sealed.makers)}" + (_EDITORS if sealed.editors_unknown else ""))
    say_edits(sealed)
    if made.diff is not None:
        say_diff(made.diff)
    for finding in sealed.findings:
        say(f"  {finding.severity}: {finding.place}: {finding.summary}")
    for text in made.notes:
        say(f"  note: {text}")


def say_edits(release: Release) -> None:
    """Print how the package of a release was edited before it was sealed, with every place."""
    for done in release.transformations:
        say(f"  {done.words}: {short(done.before)} became {short(done.after)}")
        for blank in done.blanked:
            say(f"    {blank.place}")


def _say_owed(found: Sequence[BackportLine]) -> None:
    """Print what came past the path and is still in no release."""
    for line in found:
        say(f"  still to be brought in: {line.task.words}")


_EDITORS = " (the platform does not say who edited: whoever may edit in dev counts as a maker)"
