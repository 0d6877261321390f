"""Commands between packages and source: unpack, pack; and blank, from one package to another."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lampway.app import Platforms, write_file
from lampway.cli.build import open_package, reading
from lampway.cli.output import emit, say
from lampway.cli.path import Json
from lampway.domain.digest import digest_bytes, short
from lampway.engine.abilities import Blankable, SharedSource
from lampway.engine.platform import PackageFormat
from lampway.errors import InvalidPackageError, NotFoundError, RefusedError, StorageError, UsageError

_MOST_FILES = 200_000


def unpack(file: Path, folder: Path, /, *, replace: bool = False, json: Json = False) -> int:
    """Write a package as readable source: one file per component, ready for review and for git. Needs no set-up.

    Parameters
    ----------
    file
        A package, or a platform's own export.
    folder
        Where to write it: a folder that is not there yet, or is empty.
    replace
        Take away what is in the folder now.
    json
        Print the facts as JSON.
    """
    platform, data = open_package(file)
    with reading(file):
        files = platform.format.unpack(data)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not replace)):
        raise RefusedError("something is there already", where=str(folder), hint="name another folder, or --replace")
    _write(folder, files)
    if json:
        emit({"platform": platform.name, "folder": str(folder), "files": sorted(files)})
    else:
        say(f"{platform.name}: {len(files)} files in {folder}")
    return 0


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write every file, or nothing."""
    try:
        with _beside(folder) as fresh:
            for name, content in files.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            _exchange(fresh, folder)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(folder)) from error


def _exchange(fresh: Path, folder: Path) -> None:
    """Put a folder in the place of another, which stays where that cannot be done."""
    old = fresh.with_name(f"{fresh.name}.old")
    if folder.exists():
        folder.replace(old)
    try:
        fresh.replace(folder)
    except OSError:
        if old.exists():
            old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    fresh.chmod(0o755)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def pack(folder: Path, file: Path, /, *, platform: str = "", solution: str = "", json: Json = False) -> int:
    """Make a package of a source tree. Needs no set-up.

    Parameters
    ----------
    folder
        What `unpack` wrote, or the platform's own tools.
    file
        Where to write the package.
    platform
        Of which platform it is; found out if left out.
    solution
        Which one, where the tree holds several.
    json
        Print the facts as JSON.
    """
    if not folder.is_dir():
        raise NotFoundError("no such folder", where=str(folder))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    if not files:
        raise NotFoundError("the folder is empty", where=str(folder))
    name, data = _packed(files, platform, folder, solution)
    write_file(file, data)
    if json:
        digest = digest_bytes(data).removeprefix("sha256:")
        emit({"platform": name, "file": str(file), "size": len(data), "sha256": digest})
    else:
        say(f"{name}: {file}, {len(data):,} bytes, {short(digest_bytes(data))}")
    return 0


def blank(file: Path, out: Path, /, *, json: Json = False) -> int:
    """Take out of a package the values that dev left in as defaults, and change nothing else. Needs no set-up.

    Where there is none, the new file is the same as the old one.

    Parameters
    ----------
    file
        A package, or a platform's own export; it stays as it is.
    out
        Where to write the package without them.
    json
        Print the facts as JSON.
    """
    platform, data = open_package(file)
    if not isinstance(platform.format, Blankable):
        message = f"a package of {platform.name} keeps no values of dev as defaults"
        raise UsageError(message, where=str(file), hint="there is nothing to take out")
    if out.exists() and out.samefile(file):
        raise UsageError("this is the package itself", where=str(out), hint="name another file")
    with reading(file):
        blanked = platform.format.blank(data)
    write_file(out, blanked.package)
    before, after = digest_bytes(data), digest_bytes(blanked.package)
    if json:
        facts = {"platform": platform.name, "file": str(out), "before": before, "after": after}
        emit({**facts, "blanked": blanked.blanks})
        return 0
    for one in blanked.blanks:
        say(f"  taken out: {one.place}")
    count = len(blanked.blanks) or "no"
    say(f"{platform.name}: {out}, {count} value{'' if count == 1 else 's'} taken out: {short(before)} → {short(after)}")
    return 0


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder, without what git and editors keep there."""
    found = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not path.is_symlink() and not is_hidden:
            found.append(path)
        if len(found) > _MOST_FILES:
            raise UsageError(
                f"more than {_MOST_FILES:,} files", where=str(folder), hint="name the solution's own folder"
            )
    return found


def _packed(files: Mapping[str, bytes], wanted: str, folder: Path, solution: str) -> tuple[str, bytes]:
    platforms = Platforms()
    if wanted and wanted not in platforms:
        raise NotFoundError(f"no platform named *{wanted}*", hint=f"installed are: {', '.join(platforms)}")
    names = [wanted] if wanted else list(platforms)
    shared = [name for name in names if _solutions(platforms[name].format, files)]
    if solution and not shared:
        hint = "leave --solution out"
        raise UsageError("this is no tree that holds several solutions", where=str(folder), hint=hint)
    missed = []
    for name in shared or names:
        form = platforms[name].format
        try:
            if solution and isinstance(form, SharedSource):
                return name, form.pack_solution(files, solution)
            return name, form.pack(files)
        except InvalidPackageError as error:
            missed.append((name, error))
    if len(missed) == 1:
        fault = missed[0][1]
        where = f"{folder}: {fault.where}" if fault.where else str(folder)
        raise InvalidPackageError(fault.message, where=where, hint=fault.hint, details=fault.details)
    details = tuple(f"for {name}: {fault}" for name, fault in missed)
    hint = "name the platform with --platform to learn more"
    raise UsageError("no platform can make a package of this", where=str(folder), hint=hint, details=details)


def _solutions(form: PackageFormat, files: Mapping[str, bytes]) -> tuple[str, ...]:
    return form.solutions_in(files) if isinstance(form, SharedSource) else ()
