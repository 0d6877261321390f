"""What of a tree in the YAML layout belongs to which solution: the lists that each of them keeps of its components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.yamltext import Node, parse_yaml

NO_COMPONENTS = frozenset({"solutions", "publishers"})
"""Folders with no components in them."""
_ATTRIBUTES = "attributes"


def solutions_in(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the solutions of a tree in the YAML layout, by their folders; empty for any other tree."""
    found = (path.split("/") for path in files if path.endswith("/solution.yml"))
    return tuple(sorted(parts[1] for parts in found if len(parts) == 3 and parts[0] == "solutions"))


def chosen(known: Sequence[str], wanted: str) -> str:
    """Return the one solution that is meant. Raises InvalidPackageError where that cannot be told."""
    names = ", ".join(known)
    found = [one for one in known if one.casefold() == wanted.casefold()] if wanted else list(known)
    if not found:
        raise InvalidPackageError(
            f"there is no solution {wanted[:60]} in it", where="solutions", hint=f"one of: {names}"
        )
    if len(found) > 1:
        hint = f"name one of them with --solution: {names}"
        raise InvalidPackageError(f"the tree holds {len(found)} solutions", where="solutions", hint=hint)
    return found[0]


class ComponentList:
    """The paths that a solution lists, and which files belong to it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = {path.casefold(): path for path in paths}
        self.above = {folder for path in self.paths for folder in _folders(path)}

    def covers(self, file: str) -> bool:
        """Return whether a file belongs to the solution.

        A folder stands for all that is in it, unless something below it is listed by itself: then for its own files.
        Of a table, columns are left to the folder where none of them is listed.
        """
        path = file.casefold()
        if path in self.paths:
            return True
        folder = next((one for one in _folders(path) if one in self.paths), "")
        if not folder or folder not in self.above:
            return bool(folder)
        below, _, rest = path[len(folder) + 1 :].partition("/")
        return not rest or (below == _ATTRIBUTES and f"{folder}/{below}" not in self.above)

    def missing(self, files: Mapping[str, bytes]) -> Iterator[str]:
        """Yield the paths at which there is nothing."""
        there = {one for file in files for one in (file.casefold(), *_folders(file.casefold()))}
        yield from (path for key, path in self.paths.items() if key not in there)


def _folders(path: str) -> Iterator[str]:
    """Yield every folder above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def listed_in(files: Mapping[str, bytes], name: str) -> ComponentList:
    """Return what a solution lists. Raises InvalidPackageError."""
    where = f"solutions/{name}/solutioncomponents.yml"
    node = parse_yaml(required(files, where), where=where)
    if isinstance(node, dict) and set(node) == {"SolutionComponents"}:
        held = node["SolutionComponents"]
        node = held.get("Component") if isinstance(held, dict) else held
    entries = node if isinstance(node, list) else [node] if node else []
    return ComponentList([_path(entry, where) for entry in entries])


def _path(entry: Node, where: str) -> str:
    found = (entry.get("@path") or entry.get("Path")) if isinstance(entry, dict) else entry
    if not isinstance(found, str) or not found.strip("/"):
        hint = "write such as: - '@path': /modernflows/NAME"
        raise InvalidPackageError("an entry is no path", where=where, hint=hint)
    return found.strip().strip("/")


def required(files: Mapping[str, bytes], path: str) -> bytes:
    """Return a file. Raises InvalidPackageError where it is missing."""
    if path not in files:
        raise InvalidPackageError("the file is missing", where=path, hint="restore it from git")
    return files[path]


def refuse_strangers(files: Mapping[str, bytes], lists: Mapping[str, ComponentList]) -> None:
    """Refuse files among the components that belong to none: what was reviewed and what is deployed would differ."""
    tops = {path.partition("/")[0] for one in lists.values() for path in one.paths} - NO_COMPONENTS
    for file in files:
        if file.partition("/")[0].casefold() in tops and not any(one.covers(file) for one in lists.values()):
            hint = "list it in a solutioncomponents.yml, or take it out of the tree"
            raise InvalidPackageError("the file is listed by no solution", where=file, hint=hint)
