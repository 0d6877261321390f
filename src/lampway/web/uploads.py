"""Files that come with a form: read within limits, named harmlessly, and kept for a while until they are signed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from lampway.app import Engine
from lampway.domain.digest import digest_bytes
from lampway.domain.moments import write_moment
from lampway.engine.attest import GivenFile
from lampway.engine.store import Parked
from lampway.errors import LampwayError, StorageError, TooLargeError, UsageError
from lampway.web.bodies import pieces

LARGEST = 32 * 1_048_576
"""Bytes that one form may bring, with everything in it."""
_DRAINED = 512 * 1_048_576
"""Bytes after which nothing more is read of what is too large: until then the browser gets to see why."""
LARGEST_TEXT = 1_048_576
"""Bytes of what is written into a form, beside its files."""
_LONGEST_HEAD = 8192
_MOST_FIELDS = 1000
_LONGEST_NAME = 100
_PARKED = timedelta(hours=1)
_OTHERS = (1, 15)
"""How many other forms with files may wait to be signed: of one person, and of all."""
_KIND = "multipart/form-data"
_TOLD = re.compile(
    rb'(?i)^content-disposition:\s*form-data;\s*name="([^"]*)"(?:;\s*filename="([^"]*)")?\s*$', re.MULTILINE
)
_PICTURES: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""How pictures begin that are shown, with the type that they are shown as. Never what a script can be in."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a form."""

    form: Mapping[str, str]
    files: tuple[GivenFile, ...] = ()
    fault: LampwayError | None = None
    """Why nothing of it is taken."""

    def marks(self) -> dict[str, str]:
        """Return the fields, and the digest of each file: what tells this form from another one."""
        return {**self.form, **{f"file:{file.name}": digest_bytes(file.data) for file in self.files}}


def brings_files(request: Request) -> bool:
    """Return whether a form comes in the shape that can hold files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _KIND


async def read_form(request: Request) -> Sent:
    """Return what was written into a form without files; nothing of one that is too large."""
    data = await _read(request, LARGEST_TEXT, drained=LARGEST)
    if data is None:
        return Sent({}, fault=_too_much_text())
    try:
        return Sent(dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)))
    except ValueError:
        return Sent({}, fault=_unreadable())


async def read_upload(request: Request, *, wanted: bool) -> Sent:
    """Return what came with a form that can hold files; nothing of one that is not wanted, or is too large."""
    data = await _read(request, LARGEST if wanted else 0)
    if not wanted:
        return Sent({})
    if data is None:
        message = f"this form is larger than {LARGEST // 1_048_576} MiB, with its files; nothing of it was kept"
        hint = "send fewer or smaller files, or one at a time: lampway check attest --file PATH"
        return Sent({}, fault=TooLargeError(message, hint=hint))
    try:
        return await run_in_threadpool(parse_multipart, request.headers.get("content-type", ""), data)
    except UsageError as error:
        return Sent({}, fault=error)


async def _read(request: Request, most: int, *, drained: int = _DRAINED) -> bytes | None:
    """Return a body; None where it is larger. Raises UsageError for one that stops coming.

    All of it is read in any case, up to a bound: a browser shows an answer only once it has sent everything.
    """
    parts, size = [], 0
    async for part in pieces(request):
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
        if size > drained:
            break
    return b"".join(parts) if size <= most else None


def parse_multipart(kind: str, body: bytes) -> Sent:
    """Return the fields and files of a form as browsers write it (RFC 7578).

    Raises UsageError for anything else, TooLargeError where more is written into it than a form holds.
    """
    told = Message()
    told["Content-Type"] = kind
    boundary = told.get_boundary("")
    delimiter = b"--" + boundary.encode("ascii", "replace")
    if not 0 < len(boundary) <= 70 or not body.startswith(delimiter):
        raise _unreadable()
    form: dict[str, str] = {}
    files: list[GivenFile] = []
    written = 0
    for head, start, end in _parts(body, delimiter):
        found = _TOLD.search(head)
        if found is None:
            raise _unreadable()
        if found[2] is None:
            written += end - start
            if written > LARGEST_TEXT:
                raise _too_much_text()
            form[_text(found[1])] = _text(body[start:end])
        elif found[2] or end > start:
            name = harmless_name(_text(found[2]), [file.name for file in files])
            files.append(GivenFile(name, body[start:end]))
    return Sent(form, tuple(files))


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield each part's head, and from where to where its data stands. Raises UsageError."""
    mark, at = b"\r\n" + delimiter, len(delimiter)
    for _ in range(_MOST_FIELDS):
        if body.startswith(b"--", at):
            return
        end = body.find(mark, at)
        gap = body.find(b"\r\n\r\n", at, min(end, at + _LONGEST_HEAD)) if end >= 0 else -1
        if gap < 0 or not body.startswith(b"\r\n", at):
            raise _unreadable()
        yield body[at:gap], gap + 4, end
        at = end + len(mark)
    raise _unreadable()


def harmless_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return a file's own name: without folders, without what cannot be seen, of bounded length, and like no other."""
    last = re.split(r"[/\\]", name.replace("%22", '"'))[-1]  # the one mark that browsers write otherwise
    plain = "".join(char for char in last if char.isprintable()).strip(" .") or "file"
    stem, dot, ending = plain.rpartition(".")
    stem, ending = (stem, f"{dot}{ending}"[:20]) if stem else (plain, "")
    stem, number = stem[: _LONGEST_NAME - len(ending) - 6], 1
    given, others = f"{stem}{ending}", set(taken)
    while given in others:
        number += 1
        given = f"{stem} ({number}){ending}"
    return given


def picture_type(data: bytes) -> str:
    """Return as what a picture is shown, by how it begins; empty for whatever is only given away as a file."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _PICTURES.items() if data.startswith(start)), "")


def park_files(engine: Engine, person: str, files: tuple[GivenFile, ...]) -> str:
    """Keep files for an hour until they are signed, and return the secret under which they are found again."""
    secret = secrets.token_urlsafe(32)
    until = write_moment(engine.clock.now() + _PARKED)
    data = msgspec.msgpack.encode([(file.name, file.data) for file in files])
    sent = Parked(key=digest_bytes(secret.encode()), person=person, until=until, data=data)
    with engine.store.transaction() as transaction:
        transaction.park(sent, forget=engine.now(), most=_OTHERS)
    return secret


def parked_files(engine: Engine, person: str, secret: str) -> tuple[GivenFile, ...]:
    """Return the files that this person sent before. Raises UsageError where they are there no more."""
    with engine.store.reading() as reading:
        found = reading.parked(digest_bytes(secret.encode()))
    if found is None or found.person != person or found.until < engine.now():
        raise UsageError(
            "the files that you sent are there no more: they wait an hour to be signed, of your newest two forms",
            hint="send the form anew",
        )
    return tuple(
        GivenFile(name, data) for name, data in msgspec.msgpack.decode(found.data, type=list[tuple[str, bytes]])
    )


def drop_files(engine: Engine, secret: str) -> None:
    """Forget files that were waiting; where that fails, they are forgotten within the hour."""
    with suppress(StorageError), engine.store.transaction() as transaction:
        transaction.unpark(digest_bytes(secret.encode()))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _unreadable() from None


def _too_much_text() -> TooLargeError:
    message = f"more than {LARGEST_TEXT // 1_048_576} MiB is written into this form; nothing of it was kept"
    return TooLargeError(message, hint="send a shorter text, or a file where the form takes files")


def _unreadable() -> UsageError:
    return UsageError("the form could not be read", hint="send it again from its page")
