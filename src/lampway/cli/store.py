"""Commands about what is kept: back it up, restore it, verify and repair packages, remove what nobody needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import find_root, make_backup, restore_backup
from lampway.cli.output import emit, note, paint, say, when
from lampway.cli.path import Json
from lampway.cli.session import session, working_folder
from lampway.domain.digest import short
from lampway.engine.packages import PackageFault, RepairPackages, VerifyPackages
from lampway.engine.retention import Retain
from lampway.errors import NotFoundError

WithKey = Annotated[bool, Parameter(name="--with-key", negative="")]


def backup(target: Path, /, *, with_key: WithKey = False, json: Json = False) -> int:
    """Write ledger, packages and what works beside them into one file. Work goes on meanwhile.

    Exits with 1 when a package was lost already; the rest is in the backup.

    Parameters
    ----------
    target
        The file to make, which must not be there yet; in a folder, one named for the time.
    with_key
        Also the engine's private key: keep such a backup as you keep the key.
    json
        Print the facts as JSON.
    """
    made = make_backup(find_root(working_folder()), target, with_key=with_key)
    if json:
        emit(made)
        return 1 if made.missing else 0
    say(f"{made.file}: {made.events} events and {made.packages} packages, {_size(made.size)}")
    for lost in made.missing:
        say(paint(f"✗ not in it, for it is lost: {lost}", "31"))
    note(f"  head of the ledger: {made.head or 'none'}")
    key = "the engine's private key is in it" if made.has_key else "the engine's private key is not in it: --with-key"
    note(f"  {key}")
    note(f"  try it: lampway restore {made.file} --verify --into sqlite:////PATH/OF/A/NEW/FILE")
    return 1 if made.missing else 0


def restore(
    file: Path,
    /,
    *,
    into: str = "",
    packages: str = "",
    verify: Annotated[bool, Parameter(negative="")] = False,
    with_key: WithKey = False,
    json: Json = False,
) -> int:
    """Put a backup into an empty store. The whole backup is verified before anything is written.

    Exits with 1 when something is not what it should be, or was lost before the backup was made.

    Parameters
    ----------
    file
        The backup.
    into
        Another store than the one of this repository: sqlite:///PATH or postgresql://...
    packages
        Where its packages go. Else beside the SQLite file of --into, or where they belong here.
    verify
        Then read all of it again from where it is now: the chain, the records folded anew, every package.
    with_key
        Also the engine's private key, if the backup has it and there is none here.
    json
        Print the facts as JSON.
    """
    try:
        root = find_root(working_folder())
    except NotFoundError:
        root = None
    done = restore_backup(file, root, into=into, packages=packages, verify=verify, with_key=with_key)
    is_whole = not (done.damage or done.missing)
    if json:
        emit(done)
        return 0 if is_whole else 1
    say(f"restored {done.events} events and {done.packages} packages, as they were at {when(done.at)}")
    for lost in done.missing:
        say(paint(f"✗ was lost before that: package {lost}", "31"))
    for damage in done.damage:
        say(paint(f"✗ {damage.place}: {damage.what}", "31"))
    if done.is_verified and not done.damage:
        say("✓ read again: the chain, every record and every package are as they were")
    note(f"  head of the ledger: {done.head or 'none'}")
    note("  what happened since is not in it: compare with lampway audit verify --checkpoint, and lampway drift scan")
    return 0 if is_whole else 1


def packages_verify(*, json: Json = False) -> int:
    """Read every package and every output that the ledger says is kept, in both copies. Exits with 1 for any fault.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        view = opened.run(VerifyPackages())
    if json:
        emit(view)
        return 1 if view.faults else 0
    for fault in view.faults:
        say(paint(f"✗ {_fault(fault)}", "31"))
    copies = "in both copies" if view.has_second else "in one copy"
    if view.faults:
        say(f"{len(view.faults)} of {view.checked} are not whole {copies}")
        note("  lampway packages repair" if view.has_second else "  no second copy: bring them back from a backup")
        return 1
    say(f"✓ {view.checked} are whole {copies}")
    return 0


def packages_repair(*, json: Json = False) -> int:
    """Bring back what is missing or damaged in one copy from the other. Exits with 1 when something stays lost.

    Damaged bytes are set aside below damaged/, never thrown away.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        done = opened.run(RepairPackages())
    if json:
        emit(done)
        return 1 if done.lost else 0
    for fault in done.repaired:
        say(paint(f"✓ repaired: {_fault(fault)}", "32"))
    for fault in done.lost:
        say(paint(f"✗ lost in both copies: {_fault(fault)}", "31"))
    for place in done.aside:
        note(f"  damaged bytes are kept as evidence: {place}")
    if not done.repaired and not done.lost:
        say("nothing to repair")
    return 1 if done.lost else 0


def retention(*, apply: Annotated[bool, Parameter(negative="")] = False, json: Json = False) -> int:
    """Show which packages and outputs may go, as `retention` in lampway.yaml declares.

    Nothing about a release that ever was in production or is in use is among them, and no row of the ledger ever goes.

    Parameters
    ----------
    apply
        Record that they go, and remove them, from both copies.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        view = opened.run(Retain(apply))
    if json:
        emit(view)
        return 0
    said = "removed" if view.applied else "may go"
    for one in view.removable:
        say(f"{said}: {one.what}, quiet since {when(one.since)} ({short(one.digest)})")
    if not view.removable:
        say("nothing may go")
    elif not view.applied:
        note("  remove them: lampway retention --apply")
    return 0


def _fault(fault: PackageFault) -> str:
    second = f", second copy {fault.second}" if fault.second else ""
    return f"{fault.what}: {fault.first}{second} ({fault.digest})"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
