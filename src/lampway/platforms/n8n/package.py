"""n8n packages: the workflows of one solution and what they need, as one file that holds no environment's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lampway.domain.graph import Graph
from lampway.domain.package import Diff, Inspection, Scope
from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import dumps_js, parse
from lampway.platforms.n8n import source
from lampway.platforms.n8n.contents import Contents, build_contents, read_exactly, read_package, write_package
from lampway.platforms.n8n.credentials import name_credentials
from lampway.platforms.n8n.diff import diff_contents
from lampway.platforms.n8n.drawing import draw_contents
from lampway.platforms.n8n.findings import ENDPOINT_FIX, findings_of
from lampway.platforms.n8n.inventory import inventory_of
from lampway.platforms.n8n.literals import literals_of
from lampway.platforms.n8n.workflows import Workflow, select

__all__ = ["Contents", "N8nFormat", "build_package", "read_package"]

_AS_SOLUTION = "export it as a solution with `lampway release`"


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


class N8nFormat:
    """The bytes of n8n packages, and of what n8n itself exports. Pure."""

    def inspect(self, package: bytes) -> Inspection:
        """Return what is inside. Raises InvalidPackageError with what, where and how to mend it."""
        contents = read_package(package)
        return Inspection(
            inventory_of(contents),
            tuple(literals_of(contents.workflows)),
            findings_of(contents),
            endpoint_fix=ENDPOINT_FIX,
        )

    def diff(self, old: bytes, new: bytes) -> Diff:
        """Return what separates two packages, in a maker's words. Raises InvalidPackageError."""
        return diff_contents(read_package(old), read_package(new))

    def draw(self, package: bytes) -> tuple[Graph, ...]:
        """Return one graph per workflow, as it lies on the canvas. Raises InvalidPackageError."""
        return draw_contents(read_package(package))

    def unpack(self, package: bytes) -> Mapping[str, bytes]:
        """Return readable source: relative path with `/` to content. Raises InvalidPackageError.

        An export is refused: it may hold values that must not reach git.
        """
        return source.unpack(_released(package, "an export of n8n cannot be kept as source"))

    def pack(self, source_tree: Mapping[str, bytes], /) -> bytes:
        """Return the package of a source tree, byte for byte as it was unpacked. Raises InvalidPackageError."""
        return write_package(source.pack(source_tree))

    def stamp(self, package: bytes, version: str) -> bytes:
        """Return the same package carrying `version`. Raises InvalidPackageError; also for an export."""
        return write_package(replace(_released(package, "an export of n8n carries no version"), version=version))

    def recognises(self, package: bytes) -> bool:
        """Return whether these bytes are an n8n package or an export of workflows; never raises."""
        try:
            read_exactly(package)
        except InvalidPackageError:
            return False
        return True


def _released(package: bytes, refusal: str) -> Contents:
    contents = read_exactly(package)
    if contents.is_export:
        raise InvalidPackageError(refusal, hint=_AS_SOLUTION)
    return contents
