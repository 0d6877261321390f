"""Adopting what cannot be exported from where it runs: it is held against what makers have, and must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lampway.domain.package import Literal, Role, Scope, Severity
from lampway.domain.strategy import Environment, Strategy
from lampway.engine import bringing
from lampway.engine.context import Engine, access_to
from lampway.engine.platform import Export
from lampway.errors import RefusedError, UsageError


def matched_export(
    engine: Engine,
    strategy: Strategy,
    environment: Environment,
    scope: Scope,
    known: Mapping[str, Scope],
    *,
    built_in: str = "",
    package: bytes = b"",
) -> Export:
    """Return what runs in an environment, from where it is built or from a package file, with what is given there.

    Raises RefusedError with every difference where it is not the same, or where a value there is a secret; UsageError
    where the platform exports what runs by itself, NotFoundError, PlatformError, InvalidPackageError.
    """
    platform = engine.platform(environment.platform)
    if not isinstance(platform, bringing.Matching):
        hint = f"lampway adopt {environment.name} {scope.solution}"
        raise UsageError(f"{platform.name} exports what runs by itself", hint=f"leave the other source out: {hint}")
    if built_in and package:
        raise UsageError("either where it is built or a package, not both", hint="--built-in ENV, or --package FILE")
    if built_in:
        source = strategy.environment(built_in)
        if source.name == environment.name or source.platform != environment.platform:
            hint = f"name the {environment.platform} environment in which makers build it"
            raise UsageError(f"{source.name} is not where {scope.solution} is built", hint=hint)
        export = platform.export(access_to(engine, source), scope, known)
    else:
        export = Export(package)
    matched = platform.match(access_to(engine, environment), export.package)
    if matched.differences:
        count = len(matched.differences)
        raise RefusedError(
            f"{scope.solution} as it runs in {environment.name} is not what was given: "
            f"{count} difference{'s' if count > 1 else ''}; nothing was adopted",
            hint="give the package that was installed there: --package FILE; or bring its live edits back first",
            details=matched.differences,
        )
    _refuse_secret_values(engine, scope.solution, environment.name, matched.values)
    return replace(
        export,
        values=dict(matched.values),
        bindings=dict(matched.bindings),
        unowned=(),
        notes=(*export.notes, *matched.notes),
    )


def _refuse_secret_values(engine: Engine, solution: str, environment: str, values: Mapping[str, object]) -> None:
    """A value that is a secret must not reach git. Raises RefusedError with the names; never a value."""
    literals = [
        Literal(f"value of {name} in {environment}", name, value, Role.TEXT)
        for name, value in values.items()
        if isinstance(value, str)
    ]
    secrets = [f for f in engine.scanner.scan(literals) if f.severity is Severity.SECRET]
    if secrets:
        raise RefusedError(
            f"{len(secrets)} value{'s' if len(secrets) > 1 else ''} of {solution} in {environment} may be secret; "
            "nothing was adopted, for values are written into git",
            hint="make the variable one of type secret, with a reference to a vault, and adopt then",
            details=tuple(f"{f.place}: {f.summary}" for f in secrets),
        )
