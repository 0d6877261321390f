"""n8n packages: the workflows of one solution and what they need, as one file that holds no environment's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lampway.domain.package import Scope
from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import dumps_js, parse
from lampway.platforms.n8n.contents import Contents, build_contents, read_package, write_package
from lampway.platforms.n8n.credentials import name_credentials
from lampway.platforms.n8n.workflows import Workflow, select

__all__ = ["Contents", "build_package", "read_package"]


def build_package(
    workflows: Sequence[Workflow], scope: Scope, *, credential_names: Mapping[str, str] | None = None, version: str = ""
) -> bytes:
    """Return the package of the solution that `scope` describes, cut out of the workflows of an instance.

    Every value of a *Configuration* node is left out, but for declared constants, and credentials become connections.
    `credential_names` tells the names that credentials have on the instance, by id. The same workflows and the same
    scope give the same bytes. Raises NotFoundError and UsageError as `select` does, and InvalidPackageError for what no
    instance should hold.
    """
    own = select(_as_javascript(workflows), scope)
    contents = build_contents(
        own,
        solution=scope.solution,
        version=version or scope.version,
        constants=scope.constants,
        names=name_credentials(own, credential_names),
    )
    return write_package(contents)


def _as_javascript(workflows: Sequence[Workflow]) -> list[Workflow]:
    """Return a copy of the workflows with numbers and key order as an instance holds them."""
    try:
        text = dumps_js(list(workflows))
    except (RecursionError, TypeError) as error:
        raise InvalidPackageError("this is no JSON", where="workflows", hint="read them from an instance") from error
    copy: list[Workflow] = parse(text, where="workflows")
    return copy
