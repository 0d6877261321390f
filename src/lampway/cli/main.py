"""The command line's one door: commands are imported when they are used, errors end here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lampway import __version__
from lampway.cli.output import report, say
from lampway.errors import BrokenError, InterruptedByUserError, LampwayError, StorageError, UsageError

if TYPE_CHECKING:
    from cyclopts import App

SUMMARY = "The well-lit path to production for low-code: governed releases from dev to test to prod."

COMMANDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Begin": (
        ("init", "lampway.cli.begin:init", "write a commented strategy to start from"),
        ("connect", "lampway.cli.begin:connect", "store how to reach an environment, and try it"),
        ("adopt", "lampway.cli.begin:adopt", "make release 1 from what runs today"),
        ("loose", "lampway.cli.loose:loose", "show what makers built outside of every solution"),
        ("gather", "lampway.cli.loose:gather", "put what is in no solution into one"),
        ("demo", "lampway.cli.demo:demo", "see the whole story on three real Node-RED instances"),
    ),
    "Build": (
        ("inspect", "lampway.cli.build:inspect", "show what is in a package; needs no set-up"),
        ("scan", "lampway.cli.build:scan", "look for hardcoded secrets and endpoints"),
        ("blank", "lampway.cli.source:blank", "take out of a package what dev left in as defaults"),
        ("diff", "lampway.cli.build:diff", "show what separates two packages or releases"),
        ("unpack", "lampway.cli.source:unpack", "write a package as readable source"),
        ("pack", "lampway.cli.source:pack", "make a package of a source tree"),
        ("release", "lampway.cli.build:release", "export from dev, check, commit and seal"),
    ),
    "Promote": (
        ("promote", "lampway.cli.path:promote", "move a release to a stage"),
        ("explain", "lampway.cli.path:explain", "say why a release may or may not enter a stage"),
        ("inbox", "lampway.cli.path:inbox", "show what waits for your decision"),
        ("tasks", "lampway.cli.whole:tasks", "show everything that waits for you, the most urgent first"),
        ("show", "lampway.cli.path:show", "show one promotion whole"),
        ("approve", "lampway.cli.path:approve", "approve a promotion"),
        ("reject", "lampway.cli.path:reject", "reject a promotion, with a reason"),
        ("abort", "lampway.cli.path:abort", "take back a promotion, or give up a deployment that hangs"),
        ("check run", "lampway.cli.check:run", "run checks again, without deploying"),
        ("check attest", "lampway.cli.check:attest", "say what came of a check that people carry out"),
        ("check show", "lampway.cli.check:show", "show what checks told about a release"),
        ("check output", "lampway.cli.check:output", "print what is kept of one piece of evidence"),
        ("waive", "lampway.cli.people:waive", "let a promotion pass one gate, for a reason and a time"),
        ("ask", "lampway.cli.people:ask", "ask something about a promotion"),
        ("answer", "lampway.cli.people:answer", "answer what was asked about a promotion"),
        ("checklist", "lampway.cli.people:checklist", "show or answer a promotion's checklist"),
        ("ticket", "lampway.cli.assure:ticket", "give a promotion that waits its change ticket"),
        ("delegate", "lampway.cli.people:delegate", "let another person approve in your place for a while"),
        ("delegations", "lampway.cli.people:delegations", "show who may approve for whom"),
    ),
    "Operate": (
        ("status", "lampway.cli.operate:status", "show what is where"),
        ("solution", "lampway.cli.whole:solution", "show one solution whole"),
        ("provenance", "lampway.cli.whole:provenance", "show what is in a release, and what is signed about it"),
        ("calendar", "lampway.cli.whole:calendar", "show windows, freezes, holds, and what waits for a moment"),
        ("preview", "lampway.cli.whole:preview", "show what a release of dev would hold, and make none"),
        ("receipt", "lampway.cli.whole:receipt", "show what was decided about a promotion, and how it went"),
        ("progress", "lampway.cli.whole:progress", "show how far a promotion is, step by step"),
        ("change", "lampway.cli.whole:change", "show what a release would change in a stage"),
        ("recertify", "lampway.cli.certify:recertify", "confirm, as its owner, that a solution is still needed"),
        ("rollback", "lampway.cli.operate:rollback", "bring back the known-good release"),
        ("rehearse", "lampway.cli.rehearse:rehearse", "upgrade and go back where nothing is at stake"),
        ("lock", "lampway.cli.locks:lock", "see to it that makers cannot edit in an environment"),
        ("unlock", "lampway.cli.locks:unlock", "let makers edit for a while: break-glass"),
        ("resume", "lampway.cli.operate:resume", "go on with whatever was interrupted"),
        ("reconcile", "lampway.cli.operate:reconcile", "say what happened where engine and platform disagree"),
        ("drift scan", "lampway.cli.operate:drift_scan", "look whether anybody edited live"),
        ("drift accept", "lampway.cli.operate:drift_accept", "let a live edit stand, with a reason"),
        ("drift revert", "lampway.cli.operate:drift_revert", "deploy the recorded release over a live edit"),
        ("drift backport", "lampway.cli.backport:drift_backport", "put a live edit on a branch, with a task"),
        ("backport list", "lampway.cli.backport:backport_list", "show what is still to be brought into a release"),
        ("backport close", "lampway.cli.backport:backport_close", "say that nothing is to be done about one"),
        ("hold", "lampway.cli.stops:hold", "stop a solution or an environment for a while"),
        ("unhold", "lampway.cli.stops:unhold", "lift a hold"),
        ("veto", "lampway.cli.stops:veto", "keep a release out of an environment for good"),
        ("stop", "lampway.cli.stops:stop", "stop an environment, or everything, in an emergency"),
        ("start", "lampway.cli.stops:start", "lift an emergency stop"),
        ("stops", "lampway.cli.stops:stops", "show what is held, stopped or vetoed"),
        ("serve", "lampway.cli.serve:serve", "serve the API for a team, with a worker in it"),
        ("console", "lampway.cli.serve:console", "print a link that signs you in to the console"),
        ("login", "lampway.cli.serve:login", "let commands talk to a server"),
        ("logout", "lampway.cli.serve:logout", "let commands work on this machine's own state again"),
        ("token create", "lampway.cli.serve:token_create", "make a token for the API"),
        ("token list", "lampway.cli.serve:token_list", "show tokens"),
        ("token revoke", "lampway.cli.serve:token_revoke", "let a token count no more"),
        ("invite", "lampway.cli.invitations:invite", "print a link that signs somebody in once, or take it back"),
        ("people", "lampway.cli.invitations:people", "show who is who, and how they sign in and sign"),
        ("passkey list", "lampway.cli.passkeys:passkey_list", "show passkeys, and what each is good for"),
        ("passkey show", "lampway.cli.passkeys:passkey_show", "print a passkey as people.yaml needs it"),
        ("passkey remove", "lampway.cli.passkeys:passkey_remove", "let a passkey count no more"),
        ("worker", "lampway.cli.worker:worker", "carry out whatever may start, and what is due, while it runs"),
        ("workers", "lampway.cli.worker:workers", "show which workers there are, and whether they live"),
        ("hotfix start", "lampway.cli.hotfix:start", "put what runs where it can be mended"),
        ("hotfix finish", "lampway.cli.hotfix:finish", "release the mend by the short path"),
        ("hotfix abandon", "lampway.cli.hotfix:abandon", "give a hotfix up"),
        ("hotfix list", "lampway.cli.hotfix:list_", "show which hotfixes are under way"),
        ("sandbox create", "lampway.cli.sandbox:create", "start a disposable environment"),
        ("sandbox list", "lampway.cli.sandbox:list_", "show the sandboxes there are, and whether they run"),
        ("sandbox reset", "lampway.cli.sandbox:reset", "start a sandbox anew"),
        ("sandbox extend", "lampway.cli.sandbox:extend", "let a sandbox last longer"),
        ("sandbox expire", "lampway.cli.sandbox:expire", "take a sandbox away now"),
        ("watch", "lampway.cli.watch:watch", "say what was edited live; reads only, needs no strategy"),
        ("notify show", "lampway.cli.notify:notify_show", "show what people are still to be told"),
        ("notify send", "lampway.cli.notify:notify_send", "bring out what is due to be told"),
        ("notify test", "lampway.cli.notify:notify_test", "send one message through a channel"),
    ),
    "Govern": (
        ("history", "lampway.cli.govern:history", "read the ledger"),
        ("readiness", "lampway.cli.readiness:readiness", "show how far this team is, proved from evidence"),
        ("campaigns", "lampway.cli.certify:campaigns", "show who owes an answer by when, and what is asked next"),
        ("review", "lampway.cli.certify:review", "say whether an owner's answer counts"),
        ("retire", "lampway.cli.retire:retire", "end a solution, or take its end back until it is removed"),
        ("switched", "lampway.cli.certify:switched", "say that something was switched off or on by hand"),
        ("handover", "lampway.cli.handover:handover", "list what only one person does, and hand it over"),
        ("platforms", "lampway.cli.govern:platforms", "show what each platform can do"),
        ("environments", "lampway.cli.whereabouts:environments", "show every environment, its lock and its drift"),
        ("configuration", "lampway.cli.whereabouts:configuration", "show which environments give what is needed"),
        ("strategy show", "lampway.cli.whereabouts:strategy_show", "show what is in force, and what it leaves open"),
        ("doctor", "lampway.cli.govern:doctor", "look whether everything needed is there"),
        ("strategy check", "lampway.cli.govern:strategy_check", "check the governance files"),
        ("strategy diff", "lampway.cli.govern:strategy_diff", "show what the files would change"),
        ("strategy apply", "lampway.cli.govern:strategy_apply", "put a commit in force"),
        ("strategy document", "lampway.cli.document:strategy_document", "write the strategy for people who sign"),
        ("strategy history", "lampway.cli.document:strategy_history", "show what each applied strategy changed"),
        ("strategy judge", "lampway.cli.document:strategy_judge", "hold what is in force against the static rules"),
        ("audit verify", "lampway.cli.audit:verify", "verify the ledger and the packages"),
        ("audit checkpoint", "lampway.cli.audit:checkpoint", "state the newest row, to keep it elsewhere"),
        ("audit export", "lampway.cli.audit:export", "write the ledger out for other programs"),
        ("audit search", "lampway.cli.audit:search", "find who did what, where and when"),
        ("audit coverage", "lampway.cli.audit:coverage", "show what was deployed, and what nobody saw"),
        ("audit who", "lampway.cli.audit:who", "show who could have approved or deployed"),
        ("metrics waiting", "lampway.cli.people:metrics_waiting", "show how long promotions waited for people"),
        ("metrics delivery", "lampway.cli.metrics:metrics_delivery", "show how fast and how safely changes arrive"),
        ("metrics export", "lampway.cli.metrics:metrics_export", "write measures as Prometheus reads them"),
        ("metrics trace", "lampway.cli.metrics:metrics_trace", "send deployments as OpenTelemetry traces"),
        ("key create", "lampway.cli.keys:key_create", "make a key of your own to sign decisions with"),
        ("key show", "lampway.cli.keys:key_show", "print your public key as people.yaml needs it"),
        ("key revoke", "lampway.cli.people:key_revoke", "say that a key was lost or replaced, effective now"),
        ("leave", "lampway.cli.people:leave", "say that somebody left: what they decide counts no more"),
        ("backup", "lampway.cli.store:backup", "write everything that is kept into one file"),
        ("restore", "lampway.cli.store:restore", "put a backup into an empty store"),
        ("packages verify", "lampway.cli.store:packages_verify", "read every package, in both copies"),
        ("packages repair", "lampway.cli.store:packages_repair", "bring back what one copy has lost"),
        ("retention", "lampway.cli.store:retention", "show or remove packages that nobody needs any more"),
        ("evidence export", "lampway.cli.evidence:evidence_export", "put everything about a release into one file"),
        ("evidence verify", "lampway.cli.evidence:evidence_verify", "verify such a file, without anybody's help"),
    ),
}
"""Group to its commands: name, where it is written, what it does. A command is imported when it is used."""

_MEANT = {"hotfix": "start"}
"""Group to the command that is meant where none of it is named: `lampway hotfix orders ...` starts one."""

_FOOTER = """\
Add --json to any reading command. -C FOLDER, before the command, works on another folder.
More about one: lampway COMMAND --help
"""


def overview() -> str:
    """Return the top-level help, made without importing anything."""
    lines = ["Usage: lampway COMMAND", "", SUMMARY]
    for group, commands in COMMANDS.items():
        lines += ["", group]
        lines += [f"  {name.ljust(16)} {text}" for name, _, text in commands]
    return "\n".join([*lines, "", _FOOTER])


def build() -> App:
    """Return the command line, with no command imported yet."""
    from cyclopts import App

    app = App(
        name="lampway",
        help=SUMMARY,
        version=__version__,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    inner: dict[str, App] = {}
    for commands in COMMANDS.values():
        for name, place, text in commands:
            first, _, second = name.partition(" ")
            if not second:
                app.command(place, name=first, help=text)
                continue
            if first not in inner:
                inner[first] = App(name=first, result_action="return_value")
                app.command(inner[first])
            inner[first].command(place, name=second, help=text)
    return app


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Nothing raised below gets past here."""
    words = [word.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for word in arguments]
    as_json = "--json" in words
    try:
        code = _run(words, as_json=as_json)
        sys.stdout.flush()
    except LampwayError as error:
        report(error, as_json=as_json)
        return error.exit_code
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
    except Exception as error:  # noqa: BLE001 - whatever slipped through everything else is our fault, and says so
        return _our_fault(error, as_json=as_json)
    return code


def _run(words: list[str], *, as_json: bool) -> int:
    _take_folder(words)
    if words in ([], ["--help"], ["-h"], ["help"]):
        say(overview())
        return 0
    if words == ["--version"]:
        say(__version__)
        return 0
    from cyclopts import CycloptsError

    _complete(words)
    try:
        code = build()(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _asked_wrongly(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def _complete(words: list[str]) -> None:
    """Put in the command that is meant, where only its group is named."""
    meant = _MEANT.get(words[0]) if len(words) > 1 else None
    named = {name for commands in COMMANDS.values() for name, _, _ in commands}
    if meant and not words[1].startswith("-") and f"{words[0]} {words[1]}" not in named:
        words.insert(1, meant)


def _take_folder(words: list[str]) -> None:
    if len(words) >= 2 and words[0] == "-C":
        os.environ["LAMPWAY_DIR"] = words[1]
        del words[:2]


def _asked_wrongly(error: Exception, *, as_json: bool) -> int:
    text = " ".join(str(error).split())
    report(UsageError(text, hint="lampway --help, or lampway COMMAND --help"), as_json=as_json)
    return UsageError.exit_code


def _our_fault(error: Exception, *, as_json: bool) -> int:
    if os.environ.get("LAMPWAY_TRACE"):
        raise error
    text = f"a fault in Lampway itself: {type(error).__name__}: {error}"
    report(BrokenError(text, hint="run it again with LAMPWAY_TRACE=1 and report what it prints"), as_json=as_json)
    return BrokenError.exit_code


def _from_system(error: OSError) -> StorageError:
    return StorageError(f"the system refused: {error.strerror or error}", where=str(error.filename or ""))


def entry() -> None:
    """Run as the program `lampway`. Being asked to end is the same as Ctrl-C: what was started is stopped first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
