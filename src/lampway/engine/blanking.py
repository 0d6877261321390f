"""Taking values out of a package that dev had left in as defaults, before it is sealed; and offering to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lampway.domain.digest import digest_bytes
from lampway.domain.package import Finding, Severity
from lampway.domain.transformation import Blank, Form, Transformation, TransformationKind
from lampway.engine.abilities import Blankable, Blanked
from lampway.engine.platform import Export, PackageFormat, Platform
from lampway.errors import RefusedError, UsageError

BLOCKING = (Severity.SECRET, Severity.ENDPOINT)
"""Severities that no new release may carry."""
NOTHING_LEFT = "dev had left no value in as a default: nothing was taken out"


def take_out(platform: Platform, package: bytes) -> Blanked:
    """Return a package without the values that dev had left in. Raises UsageError where the platform leaves none in."""
    if not isinstance(platform.format, Blankable):
        raise UsageError(
            f"a package of {platform.name} keeps no values of dev as defaults", hint="leave --blank-defaults out"
        )
    return platform.format.blank(package)


def take_out_of_forms(
    platform: Platform, forms: Mapping[Form, bytes]
) -> tuple[dict[Form, bytes], tuple[Transformation, ...]]:
    """Return every form of a build without the values that dev had left in, and the record of what was done.

    A form in which there was nothing is the very same bytes, and no part of the record. Raises UsageError.
    """
    made: dict[Form, bytes] = {}
    told: list[Transformation] = []
    for form, package in forms.items():
        blanked = take_out(platform, package)
        made[form] = blanked.package
        if blanked.blanks:
            before, after = digest_bytes(package), digest_bytes(blanked.package)
            told.append(Transformation(TransformationKind.BLANK_DEFAULTS, before, after, blanked.blanks, form))
    return made, tuple(told)


def forms_of(export: Export) -> dict[Form, bytes]:
    """Return every form of a build that was exported."""
    source = {} if export.source is None else {Form.SOURCE: export.source}
    return {Form.PACKAGE: export.package, **source}


def to_be_sealed(
    platform: Platform, export: Export, version: str, *, blank: bool
) -> tuple[dict[Form, bytes], tuple[Transformation, ...]]:
    """Return every form of a build under the version it is sealed as, and the record of what was taken out of it.

    The version comes first and the edit last: the same edit of the bytes before gives the bytes that are sealed.
    """
    forms = {form: platform.format.stamp(package, version) for form, package in forms_of(export).items()}
    return take_out_of_forms(platform, forms) if blank else (forms, ())


def offered(form: PackageFormat, forms: Mapping[Form, bytes], findings: Sequence[Finding]) -> tuple[Blank, ...]:
    """Return what blocks a release and could be taken out of its package."""
    places = {f.place for f in findings if f.severity in BLOCKING}
    if not places or not isinstance(form, Blankable):
        return ()
    found = (blank for package in forms.values() for blank in form.blank(package).blanks if blank.place in places)
    return tuple(dict.fromkeys(found))


def blanks_of(edits: Sequence[Transformation]) -> tuple[Blank, ...]:
    """Return everything that was taken out, whatever the form."""
    return tuple(dict.fromkeys(blank for edit in edits for blank in edit.blanked))


def refuse_faults(solution: str, findings: Sequence[Finding], offer: Sequence[Blank] = ()) -> None:
    """Refuse a release that holds hardcoded values. Raises RefusedError with each of them.

    `offer` is what could be taken out of the package instead.
    """
    blocking = [f for f in findings if f.severity in BLOCKING]
    if blocking:
        count = f"{len(blocking)} hardcoded value{'s' if len(blocking) > 1 else ''}"
        raise RefusedError(
            f"{solution} holds {count}; no release was made",
            hint=_hint(len(blocking), len({blank.place for blank in offer})),
            details=tuple(f"{f.place}: {f.summary}\n  fix: {f.fix}" for f in blocking),
        )


def _hint(blocking: int, offered: int) -> str:
    if not offered:
        return "mend it in dev as each line says, then release again"
    if offered == blocking:
        return "release with --blank-defaults takes them out of the package, and says so; or mend them in dev"
    return f"--blank-defaults takes {offered} of them out of the package; mend the others in dev as each line says"
