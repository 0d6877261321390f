"""Power Platform's solution packages: bytes in, values out."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from lampway.domain.graph import Graph
from lampway.domain.package import Diff, Inspection
from lampway.engine.abilities import Blanked
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.blank import blank_contents
from lampway.platforms.powerplatform.contents import Contents, read_package
from lampway.platforms.powerplatform.diff import diff_contents
from lampway.platforms.powerplatform.drawing import draw_contents
from lampway.platforms.powerplatform.inventory import inspect_contents
from lampway.platforms.powerplatform.pack import pack_source
from lampway.platforms.powerplatform.stamp import stamp_contents
from lampway.platforms.powerplatform.unpack import unpack_contents
from lampway.platforms.powerplatform.yamllists import solutions_in

_MARK = re.compile(rb"PK(?:\x03\x04.{26}|\x01\x02.{42})(?:solution|customizations)\.xml", re.IGNORECASE | re.DOTALL)
"""A header in a zip for one of the two files that every solution has; also where the end of the zip is lost."""

Answer = TypeVar("Answer")


class SolutionFormat:
    """The bytes of solution packages, managed and unmanaged. Pure."""

    def inspect(self, package: bytes) -> Inspection:
        """Return what is inside. Raises InvalidPackageError with what, where and how to mend it."""
        return _shallow(lambda: inspect_contents(read_package(package)))

    def diff(self, old: bytes, new: bytes) -> Diff:
        """Return what separates two packages, in a maker's words. Raises InvalidPackageError."""
        return _shallow(lambda: diff_contents(read_package(old), read_package(new)))

    def draw(self, package: bytes) -> tuple[Graph, ...]:
        """Return every cloud flow with its trigger and actions, and every canvas app with its screens.

        With names and wires, no values. Raises InvalidPackageError.
        """
        return _shallow(lambda: draw_contents(read_package(package)))

    def unpack(self, package: bytes) -> Mapping[str, bytes]:
        """Return readable source in the classic layout: relative path with `/` to content.

        Raises InvalidPackageError.
        """
        return _shallow(lambda: unpack_contents(read_package(package)))

    def pack(self, source: Mapping[str, bytes], /) -> bytes:
        """Return the package of a source tree; the same source always gives the same bytes.

        Every component has the fingerprint that it had in the package the source came from. Raises InvalidPackageError.
        """
        return _shallow(lambda: pack_source(source))

    def solutions_in(self, source: Mapping[str, bytes]) -> tuple[str, ...]:
        """Return the solutions of a tree in the YAML layout; empty for any other tree."""
        return solutions_in(source)

    def pack_solution(self, source: Mapping[str, bytes], solution: str) -> bytes:
        """Return the package of one solution of a tree in the YAML layout. Raises InvalidPackageError."""
        return _shallow(lambda: pack_source(source, solution))

    def stamp(self, package: bytes, version: str) -> bytes:
        """Return the same package carrying `version`. Raises InvalidPackageError."""
        return _shallow(lambda: stamp_contents(read_package(package), version))

    def blank(self, package: bytes) -> Blanked:
        """Return the package without the values that its flows keep from dev. Raises InvalidPackageError."""
        return _shallow(lambda: blank_contents(package))

    def holds_data(self, package: bytes) -> tuple[str, ...]:
        """Return the tables that only this solution brings, as makers call them. Raises InvalidPackageError."""

        def tables() -> tuple[str, ...]:
            contents = read_package(package)
            own = f"{contents.manifest.publisher.prefix}_".lower()
            return tuple(part.title for part in contents.parts if part.type == "table" and part.id.startswith(own))

        return _shallow(tables)

    def recognises(self, package: bytes) -> bool:
        """Return whether these bytes look like a solution, even a damaged one; never raises."""
        return package.startswith(b"PK") and _MARK.search(package) is not None


def _shallow(read: Callable[[], Answer]) -> Answer:
    """Return what reading gives, or say that the content is nested more deeply than any editor writes it.

    Trees of a package hold no cycles, and looking for some while they grow takes a third of the time.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return read()
    except RecursionError as error:
        hint = "no editor writes this; export the solution again"
        raise InvalidPackageError("nested too deeply to be read", hint=hint) from error
    finally:
        if was_collecting:
            gc.enable()


__all__ = ["Contents", "SolutionFormat", "read_package"]
