"""Commands about keys, and signing on behalf of the person who types."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter

from lampway.app import (
    Session,
    add_key,
    find_root,
    find_writer,
    is_key_locked,
    key_path,
    open_key,
    public_key,
    resolve_secret,
    write_key,
)
from lampway.cli.output import emit, note, say
from lampway.cli.path import Json
from lampway.cli.session import today, working_folder
from lampway.domain.secret import Secret
from lampway.engine.attest import AttestCheck
from lampway.engine.checklist import Checklist
from lampway.engine.context import Request
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate
from lampway.engine.retire import ApproveRetirement
from lampway.engine.signed import Draft, DraftDecision
from lampway.engine.unlock import ConfirmUnlock, ReviewUnlock
from lampway.engine.waive import Waive
from lampway.errors import NotFoundError, SecretError, UnsignedError, UsageError

R = TypeVar("R", Decide, Delegate, Waive, Checklist, AttestCheck, ConfirmUnlock, ReviewUnlock, ApproveRetirement)
"""Whatever can be signed by whoever asks for it."""
Add = Annotated[bool, Parameter(name="--add", negative="")]
"""Whether to write a public key into people.yaml as well."""
_NO_KEY = "not signed: you have no key"
PASSPHRASE = "LAMPWAY_PASSPHRASE"  # noqa: S105 - the name of a variable
"""Names the passphrase by reference, such as `file:PATH`."""


def key_create(*, out: str = "", passphrase_file: str = "", add: Add = False, json: Json = False) -> int:
    """Make a key of your own to sign decisions with, and print the lines that people.yaml needs.

    Parameters
    ----------
    out
        Where to write the private key; else LAMPWAY_KEY, else your configuration folder.
    passphrase_file
        A file that holds the passphrase; else LAMPWAY_PASSPHRASE (a reference such as file:PATH), else you are asked.
    add
        Also write the public half into people.yaml here, for you to commit and somebody to apply.
    json
        Print the facts as JSON.
    """
    if add:
        find_writer(find_root(working_folder()))  # refuses, before a key is made that nobody asked for
    path = Path(out) if out else key_path()
    if path.exists():
        write_key(path, None)  # refuses, before anybody is asked for a passphrase
    public = write_key(path, _passphrase(passphrase_file, path, twice=True))
    note(f"private key: {path} (readable by you only; keep it, and never commit it)")
    return _show(public, add=add, as_json=json)


def key_show(*, key: str = "", add: Add = False, json: Json = False) -> int:
    """Print the public half of your key as people.yaml needs it.

    Parameters
    ----------
    key
        The private key's file; else LAMPWAY_KEY, else the one in your configuration folder.
    add
        Also write it into people.yaml here, for you to commit and somebody to apply.
    json
        Print the facts as JSON.
    """
    return _show(public_key(Path(key) if key else key_path()), add=add, as_json=json)


def _show(public: str, *, add: bool, as_json: bool) -> int:
    from lampway.domain.keys import key_id

    owner = _add(public) if add else ""
    if as_json:
        emit({"key": public, "key_id": key_id(public)})
        return 0
    if owner:
        say(f"people.yaml: {owner} signs with {public}")
        note("commit it, and have it applied: lampway strategy apply -m 'A key to sign with'")
        return 0
    note("add this to yourself in people.yaml, and have it applied: lampway strategy apply")
    for line in lines_for(public):
        say(line)
    return 0


def _add(public: str) -> str:
    root = find_root(working_folder())
    person = find_writer(root)
    add_key(root, person.id, public, today())
    return person.id


def lines_for(public: str) -> tuple[str, ...]:
    """Return the lines that make a public key somebody's in people.yaml, from today on."""
    return ("    keys:", f"      - {{key: '{public}', from: {today()}}}")


def own_public_key() -> str:
    """Return the public half of the key that this machine signs with; empty where there is none."""
    try:
        return public_key(key_path())
    except NotFoundError:
        return ""


def sign(opened: Session, request: Decide, passphrase_file: str) -> tuple[Decide, str]:
    """Return the decision signed with the key at hand, or as it is with the reason why it is not signed."""
    voice = request.on_behalf_of
    draft = DraftDecision(request.promotion, request.approved, request.reason, on_behalf_of=voice)
    return sign_given(opened, request, draft, passphrase_file)


def sign_given(opened: Session, request: R, asked: Request[Draft], passphrase_file: str) -> tuple[R, str]:
    """Return a request with what a person signed in it, or as it is with the reason why it is not signed.

    `asked` asks for the statement that the request would be.
    """
    draft = opened.run(asked)
    if not draft.statement:
        return request, ""
    path = key_path()
    public = _public(path)
    if public not in draft.keys:
        return request, _why_unsigned(public, path, has_keys=bool(draft.keys))
    pair = open_key(path, _passphrase(passphrase_file, path))
    if pair.public != public:
        raise UsageError("the private key and its .pub file are not a pair", where=str(path))
    envelope = pair.sign(draft.statement.encode())
    return replace(request, envelope=envelope), ""


def what_is_missing(error: UnsignedError, why_not: str) -> UnsignedError:
    """Return the error with what this very person still has to do, down to the lines to add."""
    public = own_public_key()
    if not why_not or (not public and why_not != _NO_KEY):
        hint = "set LAMPWAY_KEY to where your private key lies, or lampway key create --add for a new one"
        return UnsignedError(error.message, hint=hint, details=(why_not,) if why_not else ())
    if not public:
        return UnsignedError(error.message, hint=error.hint, details=(why_not,))
    details = (why_not, "below your name in people.yaml belongs:", *lines_for(public))
    hint = "lampway key show --add writes it there; commit, let somebody apply it, and decide again"
    return UnsignedError(error.message, hint=hint, details=details)


def signature_line(why_not: str, *, signed: bool) -> str:
    """Return how who acted was proved, in one line."""
    if signed:
        return "  signed with your key"
    return f"  note: who you are was not proved; the record says so ({why_not or 'not signed'})"


def _public(path: Path) -> str:
    try:
        return public_key(path)
    except NotFoundError:
        if os.environ.get("LAMPWAY_KEY"):
            raise
        return ""


def _why_unsigned(public: str, path: Path, *, has_keys: bool) -> str:
    if public:
        return f"not signed: the key in {path} is not one of yours in the rules in force"
    return "not signed: your key is not on this machine" if has_keys else _NO_KEY


def _passphrase(file: str, path: Path, *, twice: bool = False) -> Secret | None:
    """Return the passphrase for a key, or None where it has none. Raises SecretError, UsageError."""
    if not twice and not is_key_locked(path):
        return None
    reference = f"file:{Path(file).absolute()}" if file else os.environ.get(PASSPHRASE, "")
    if reference:
        return resolve_secret(reference)
    if not sys.stdin.isatty():
        hint = "add --passphrase-file FILE, or set LAMPWAY_PASSPHRASE to a reference such as file:PATH"
        raise SecretError("a passphrase is needed, and nobody can be asked", where=str(path), hint=hint)
    typed = getpass.getpass("passphrase: ")
    if twice and (not typed or getpass.getpass("once more: ") != typed):
        raise UsageError("the passphrase is empty, or was not typed the same twice", hint="nothing was written")
    return Secret(typed)
