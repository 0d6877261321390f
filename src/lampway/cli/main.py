"""The command line's one door: commands are imported when they are used, errors end here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from lampway import __version__
from lampway.cli.output import note, report
from lampway.errors import InterruptedByUserError, LampwayError, StorageError

_BEGIN, _BUILD, _PATH, _OPERATE, _GOVERN = "Begin", "Build", "Promote", "Operate", "Govern"

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("init", "lampway.cli.begin:init", _BEGIN),
    ("connect", "lampway.cli.begin:connect", _BEGIN),
    ("adopt", "lampway.cli.begin:adopt", _BEGIN),
    ("demo", "lampway.cli.demo:demo", _BEGIN),
    ("inspect", "lampway.cli.build:inspect", _BUILD),
    ("scan", "lampway.cli.build:scan", _BUILD),
    ("diff", "lampway.cli.build:diff", _BUILD),
    ("release", "lampway.cli.build:release", _BUILD),
    ("promote", "lampway.cli.path:promote", _PATH),
    ("explain", "lampway.cli.path:explain", _PATH),
    ("inbox", "lampway.cli.path:inbox", _PATH),
    ("show", "lampway.cli.path:show", _PATH),
    ("approve", "lampway.cli.path:approve", _PATH),
    ("reject", "lampway.cli.path:reject", _PATH),
    ("abort", "lampway.cli.path:abort", _PATH),
    ("status", "lampway.cli.operate:status", _OPERATE),
    ("rollback", "lampway.cli.operate:rollback", _OPERATE),
    ("lock", "lampway.cli.operate:lock", _OPERATE),
    ("resume", "lampway.cli.operate:resume", _OPERATE),
    ("reconcile", "lampway.cli.operate:reconcile", _OPERATE),
    ("history", "lampway.cli.govern:history", _GOVERN),
    ("platforms", "lampway.cli.govern:platforms", _GOVERN),
    ("doctor", "lampway.cli.govern:doctor", _GOVERN),
)
"""Name, where it is written, and the group it is shown in."""

GROUPS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "drift",
        "Find, accept and revert live edits.",
        _OPERATE,
        (
            ("scan", "lampway.cli.operate:drift_scan"),
            ("accept", "lampway.cli.operate:drift_accept"),
            ("revert", "lampway.cli.operate:drift_revert"),
        ),
    ),
    (
        "strategy",
        "Check, compare and apply the strategy.",
        _GOVERN,
        (
            ("check", "lampway.cli.govern:strategy_check"),
            ("diff", "lampway.cli.govern:strategy_diff"),
            ("apply", "lampway.cli.govern:strategy_apply"),
        ),
    ),
    ("audit", "Verify the ledger.", _GOVERN, (("verify", "lampway.cli.govern:audit_verify"),)),
)
"""Commands with commands of their own."""


def build() -> App:
    """Return the command line, with nothing imported yet."""
    app = App(
        name="lampway",
        help="The well-lit path to production for low-code: governed releases from dev to test to prod.",
        version=__version__,
        version_flags=["--version"],
        help_flags=["--help", "-h"],
        help_epilogue="Add --json to any reading command. -C FOLDER works on another folder.",
        result_action="return_value",
    )
    for name, place, group in COMMANDS:
        app.command(place, name=name, group=group)
    for name, text, group, commands in GROUPS:
        inner = App(name=name, help=text, group=group, result_action="return_value")
        for inner_name, place in commands:
            inner.command(place, name=inner_name)
        app.command(inner)
    return app


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Nothing raised below gets past here."""
    words = list(arguments)
    as_json = "--json" in words
    try:
        _take_folder(words)
        code = build()(words, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except LampwayError as error:
        report(error, as_json=as_json)
        return error.exit_code
    except CycloptsError as error:
        return _asked_wrongly(error, as_json=as_json)
    except KeyboardInterrupt:
        hint = "nothing is lost: lampway resume goes on where it was"
        report(InterruptedByUserError("interrupted", hint=hint), as_json=as_json)
        return InterruptedByUserError.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has gone: end quietly
        return 0
    except OSError as error:
        report(_from_system(error), as_json=as_json)
        return StorageError.exit_code
    return code if isinstance(code, int) else 0


def _take_folder(words: list[str]) -> None:
    if len(words) >= 2 and words[0] == "-C":
        os.environ["LAMPWAY_DIR"] = words[1]
        del words[:2]


def _asked_wrongly(error: CycloptsError, *, as_json: bool) -> int:
    from lampway.errors import UsageError

    text = " ".join(str(error).split())
    report(UsageError(text, hint="lampway --help, or lampway COMMAND --help"), as_json=as_json)
    return UsageError.exit_code


def _from_system(error: OSError) -> StorageError:
    return StorageError(f"the system refused: {error.strerror or error}", where=str(error.filename or ""))


def entry() -> None:
    """Run as the program `lampway`."""
    if sys.version_info < (3, 11):  # pragma: no cover - the package metadata says so too
        note("error: Lampway needs Python 3.11 or newer")
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
