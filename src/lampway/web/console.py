"""The console: pages rendered here from what the API's requests return, and forms that are such requests.

Works without a script for reading and for acting; a small one adds what is live. A page is a function from a `Visit`
to a response; pages are in `web.pages`, templates in `web/templates`.
"""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from lampway import __version__
from lampway.app import Engine, LocalSession
from lampway.app.browsers import OpenId
from lampway.app.wire import status_of
from lampway.domain.digest import short
from lampway.domain.invitations import parse_invitation
from lampway.domain.moments import shown
from lampway.domain.strategy import RulesInForce
from lampway.engine import context
from lampway.engine.attest import GivenFile
from lampway.engine.invitations import inviters
from lampway.engine.may import May
from lampway.errors import ForbiddenError, LampwayError, TooManyError, UnauthenticatedError, UsageError
from lampway.web.afterwards import CHANGING, Afterwards
from lampway.web.bodies import Room, held, require_sound
from lampway.web.door import Allowance
from lampway.web.live import Listeners
from lampway.web.memory import Memory
from lampway.web.oidc import BACK, begin_oidc, finish_oidc
from lampway.web.oidc import COOKIE as OIDC
from lampway.web.onceonly import once
from lampway.web.plots import lasting, percent
from lampway.web.refusals import heading_of, refusal
from lampway.web.uploads import Sent, brings_files, read_form, read_upload
from lampway.web.visits import (
    Visitor,
    make_challenge,
    sign_in_with_code,
    sign_in_with_invitation,
    sign_in_with_token,
    sign_out,
    visitor,
)
from lampway.web.wording import back_words, brief, failing, headed, lines_of, onscreen, unhinted

Answer = TypeVar("Answer")
_COOKIE = "lampway"
_PROMOTION = re.compile(r"\bpromotion ([0-9a-f]{8})\b")
_NAME = re.compile(r"\*([^*]+)\*")
_STATIC = Path(__file__).parent / "static"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}

PAGE_HEADERS = _HEADERS
"""What every answer of the console carries."""


@dataclass(frozen=True, slots=True)
class Page:
    """One request for a page, by somebody who is signed in."""

    request: Request
    engine: Engine
    root: Path
    who: Visitor
    form: Mapping[str, str]
    """What was sent with it; empty for a look."""
    afterwards: Afterwards
    """Brings about what may start because of what was asked."""
    may: May
    """What this person may ask for; templates offer nothing else."""
    memory: Memory = field(default_factory=Memory)
    """What this process remembers for everybody."""
    files: tuple[GivenFile, ...] = ()
    """What came with the form."""
    listeners: Listeners = field(default_factory=Listeners)
    """Who is told live what happens."""

    def ask(self, request: context.Request[Answer]) -> Answer:
        """Return the engine's answer to this person, at once: whatever may start because of it goes on behind.

        Raises LampwayError.
        """
        answer, rest = LocalSession(self.root, who=self.who.actor, _engine=self.engine).begin(request)
        if type(request) in CHANGING:
            self.afterwards.take(rest)
        return answer

    def recall(self, key: object, make: Callable[[], Answer]) -> Answer:
        """Return what is the same for everybody, made from the ledger as it is a moment ago at most."""
        return self.memory.recall(self.engine, key, make)

    def part(self, template: str, **facts: Any) -> Markup:
        """Return a part of a page, made from a template and these facts: nothing in it is about who looks."""
        return Markup(_templates().get_template(template).render(now=self.engine.now(), **facts))  # noqa: S704

    def given(self, name: str) -> str:
        """Return a part of the path, or of the query; empty where there is none."""
        return str(self.request.path_params.get(name) or self.request.query_params.get(name, ""))

    def show(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """Return a page made from a template and these facts."""
        now, told = self.engine.now(), self.given("told")
        shared = {"who": self.who, "may": self.may, "path": self.request.url.path, "now": now, "told": told}
        text = _templates().get_template(template).render(**shared, **facts)
        return HTMLResponse(text, status, _HEADERS)

    def file(self, name: str, data: bytes | str) -> Response:
        """Return a file to be kept; nothing in it is ever shown as a page of ours."""
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name) or "file"
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{plain}"'}
        return Response(data, 200, headers, "application/octet-stream")

    def go(self, path: str, told: str = "") -> Response:
        """Return the way to another page of ours, with a word about what was done."""
        mark = "&" if "?" in path else "?"
        return RedirectResponse(f"{path}{mark}told={quote(told)}" if told else path, 303, _HEADERS)

    def prove_first(self, onward: str) -> Response:
        """Return the way to signing in once more, for what takes a fresh proof; then on to a page of ours."""
        return RedirectResponse(f"/sign-in?next={quote(onward)}&again=1", 303, _HEADERS)


Shown: TypeAlias = Callable[[Page], Response]


def console_routes(
    engine: Engine,
    root: Path,
    pages: Mapping[str, tuple[str, Shown]],
    *,
    afterwards: Afterwards,
    oidc: OpenId | None = None,
) -> list[BaseRoute]:
    """Return the routes of the console; `pages` are method and page by path, as in `GET /inbox`."""
    door = _Door(engine, root, oidc, afterwards)
    found: list[BaseRoute] = [
        Route("/sign-in", door.sign_in, methods=["GET", "POST"]),
        Route("/sign-in/challenge", door.challenge, methods=["POST"]),
        *([Route(f"{BACK}/begin", door.begin_oidc), Route(BACK, door.finish_oidc)] if oidc else []),
        Route("/sign-out", door.sign_out, methods=["POST"]),
        Mount("/static", StaticFiles(directory=_STATIC), name="static"),
    ]
    for name, (method, page) in pages.items():
        path = name.partition(" ")[2]
        found.append(Route(path, door.page(page), methods=[method]))
    return found


class _Door:
    def __init__(self, engine: Engine, root: Path, oidc: OpenId | None, afterwards: Afterwards) -> None:
        self._afterwards = afterwards
        self._engine = engine
        self._root = root
        self._oidc = oidc
        self._strangers = Allowance(at_once=30, each_second=1)
        self._memory = Memory()
        self._listeners = Listeners()
        self._readers = Room(each=20, together=40)
        self._room = Room(each=2, together=6)

    def page(self, shown_by: Shown) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.method == "POST" and brings_files(request):
                return await self._with_files(shown_by, request)
            sent = await read_form(request) if request.method == "POST" else Sent({})
            return await run_in_threadpool(self._answer, shown_by, request, sent)

        return answer

    async def _with_files(self, shown_by: Shown, request: Request) -> Response:
        """Answer a form that can bring files: they are taken only of somebody who is signed in, and of few at once."""
        who = await run_in_threadpool(visitor, self._engine, request.cookies.get(_COOKIE, ""))
        with ExitStack() as stack:
            sent = Sent({})
            if who is not None:
                try:
                    stack.enter_context(self._room.place(who.actor.person))
                except TooManyError as error:
                    sent = Sent({}, fault=error)
            read = await read_upload(request, wanted=who is not None and sent.fault is None)
            return await run_in_threadpool(self._answer, shown_by, request, sent if sent.fault else read)

    def _answer(self, shown_by: Shown, request: Request, sent: Sent) -> Response:
        who = visitor(self._engine, request.cookies.get(_COOKIE, ""))
        if who is None:
            return RedirectResponse(_sign_in_for(request), 303, _HEADERS)
        may = May(self._engine, who.actor)
        form = sent.form
        page = Page(
            request,
            self._engine,
            self._root,
            who,
            form,
            self._afterwards,
            may,
            self._memory,
            files=sent.files,
            listeners=self._listeners,
        )
        try:
            if sent.fault is not None:
                raise sent.fault
            require_sound([*request.path_params.values(), *request.query_params.values(), form])
            if request.method == "POST":
                _require_ours(request, who, form)
                return once(self._engine, who.actor, (request.url.path, sent.marks()), lambda: shown_by(page))
            return held(shown_by(page), self._readers, who.actor.person)
        except LampwayError as error:
            name = "error.html" if self._has_rules() else "first.html"
            return page.show(name, status=int(status_of(error)), **refusal(request, form, error))

    def _has_rules(self) -> bool:
        with self._engine.store.reading() as reading:
            return reading.get(RulesInForce, "current") is not None

    async def sign_in(self, request: Request) -> Response:
        sent = await read_form(request) if request.method == "POST" else Sent({})
        return await run_in_threadpool(self._sign_in, request, sent)

    def _sign_in(self, request: Request, sent: Sent) -> Response:
        """Signing in changes something, so that it takes a form: a link that is only looked at uses no code up."""
        form = sent.form
        code = form.get("code", "") or request.query_params.get("code", "")
        onward = _ours(form.get("next", "") or request.query_params.get("next", ""))
        again = bool(form.get("again", "") or request.query_params.get("again", ""))
        facts: dict[str, Any] = {
            "code": code,
            "next": onward,
            "error": None,
            "again": again,
            "ended": bool(request.query_params.get("ended", "")),
            "oidc": self._oidc is not None,
        }
        if request.method == "POST":
            try:
                self._admit(request)
                if sent.fault is not None:
                    raise sent.fault
                require_sound(form)
                secret = self._proved(form, code)
                return self._signed_in(request, secret, "/passkeys" if _begins(code, onward) else onward)
            except LampwayError as error:
                facts = {**facts, "code": "", "error": error}
        return self._sign_in_page(facts)

    def _sign_in_page(self, facts: Mapping[str, Any]) -> Response:
        asked = {
            "may_ask": bool(inviters(self._engine)),
            "invited": bool(parse_invitation(facts["code"])[0]),
        }
        status = int(status_of(facts["error"])) if facts["error"] else 200
        return HTMLResponse(_templates().get_template("sign-in.html").render(**facts, **asked), status, _HEADERS)

    def _signed_in(self, request: Request, secret: str, onward: str) -> Response:
        sign_out(self._engine, request.cookies.get(_COOKIE, ""))
        return _with_cookie(request, RedirectResponse(onward, 303, _HEADERS), secret)

    async def begin_oidc(self, request: Request) -> Response:
        """Send the browser to the team's provider."""
        return await run_in_threadpool(self._at_provider, request, self._begin_oidc)

    async def finish_oidc(self, request: Request) -> Response:
        """Take the provider's answer."""
        return await run_in_threadpool(self._at_provider, request, self._finish_oidc)

    def _at_provider(self, request: Request, step: Callable[[Request, OpenId], Response]) -> Response:
        try:
            self._admit(request)
            if self._oidc is None:
                raise UsageError("nobody signs in at a provider here", hint="lampway serve --oidc-issuer URL")
            return step(request, self._oidc)
        except LampwayError as error:
            facts = {"code": "", "next": "/", "error": error, "again": False, "ended": False, "oidc": True}
            return self._sign_in_page(facts)

    def _begin_oidc(self, request: Request, provider: OpenId) -> Response:
        there, kept = begin_oidc(self._engine, provider, request, _ours(request.query_params.get("next", "")))
        reply = RedirectResponse(there, 303, _HEADERS)
        secure = request.url.scheme == "https"
        reply.set_cookie(OIDC, kept, path=BACK, httponly=True, samesite="lax", secure=secure, max_age=300)
        return reply

    def _finish_oidc(self, request: Request, provider: OpenId) -> Response:
        secret, onward = finish_oidc(self._engine, provider, request)
        reply = self._signed_in(request, secret, _ours(onward))
        reply.delete_cookie(OIDC, path=BACK)
        return reply

    def _proved(self, form: Mapping[str, str], code: str) -> str:
        if form.get("client_data"):
            from lampway.web.passkeys import sign_in_with_passkey

            return sign_in_with_passkey(self._engine, form)
        if parse_invitation(code)[0]:
            return sign_in_with_invitation(self._engine, code)
        return sign_in_with_code(self._engine, code) if code else self._with_token(form)

    def _admit(self, request: Request) -> None:
        """Let somebody try to sign in. Raises ForbiddenError for a form of another site, TooManyError."""
        self._strangers.take(request.client.host if request.client else "")
        if not _is_from_here(request):
            raise ForbiddenError("this form is not from a page of ours", hint="sign in from here")

    async def challenge(self, request: Request) -> Response:
        """Return what a passkey is to answer to sign somebody in."""
        return await run_in_threadpool(self._challenge, request)

    def _challenge(self, request: Request) -> Response:
        try:
            self._admit(request)
        except LampwayError as error:
            return JSONResponse({"error": error.message}, int(status_of(error)), _HEADERS)
        return JSONResponse({"challenge": make_challenge(self._engine, "sign-in", "")}, headers=_HEADERS)

    def _with_token(self, form: Mapping[str, str]) -> str:
        if not form.get("token"):
            raise UnauthenticatedError("a token is needed", hint="lampway console, or lampway token create NAME")
        return sign_in_with_token(self._engine, form["token"])

    async def sign_out(self, request: Request) -> Response:
        sent = await read_form(request)
        return await run_in_threadpool(self._sign_out, request, sent.form)

    def _sign_out(self, request: Request, form: Mapping[str, str]) -> Response:
        secret = request.cookies.get(_COOKIE, "")
        who = visitor(self._engine, secret)
        if who is not None and not (_has_key(form, who) or (_is_from_here(request) and request.headers.get("origin"))):
            return RedirectResponse("/", 303, _HEADERS)  # another site sent it: nobody is signed out, not even half
        sign_out(self._engine, secret)
        reply = RedirectResponse("/sign-in", 303, _HEADERS)
        reply.delete_cookie(_COOKIE, path="/")
        return reply


def _begins(code: str, onward: str) -> bool:
    """Return whether somebody comes by an invitation: then a way of their own to sign in is what they need first."""
    return onward == "/" and bool(parse_invitation(code)[0])


def _sign_in_for(request: Request) -> str:
    """Return the way to signing in, and from there back to the page; a form that was sent for nothing is told so."""
    if request.method == "GET":
        wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return f"/sign-in?next={quote(wanted)}"
    came_from = urlsplit(request.headers.get("referer", ""))
    is_ours = came_from.netloc == request.headers.get("host", "")
    return f"/sign-in?next={quote(came_from.path if is_ours else '/')}&ended=1"


def _require_ours(request: Request, who: Visitor, form: Mapping[str, str]) -> None:
    """Insist that a form came from a page of ours, shown to this very person. Raises ForbiddenError."""
    if not _is_from_here(request) or not _has_key(form, who):
        raise ForbiddenError(
            "this form is not from a page of yours, or you signed in anew since", hint="load the page again"
        )


def _has_key(form: Mapping[str, str], who: Visitor) -> bool:
    return hmac.compare_digest(form.get("form_key", "").encode(), who.form_key.encode())


def _is_from_here(request: Request) -> bool:
    origin = request.headers.get("origin", "")
    return not origin or urlsplit(origin).netloc == request.headers.get("host", "")


def _ours(path: str) -> str:
    """Return a path of ours to go on to; never the address of another site."""
    is_path = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_path else "/"


def page_alone(error: LampwayError, status: int) -> Response:
    """Return a page that says what happened to somebody of whom nothing needs to be known."""
    facts = {"error": error, "heading": heading_of(error, status)}
    return HTMLResponse(_templates().get_template("alone.html").render(**facts), status, _HEADERS)


def _with_cookie(request: Request, reply: Response, secret: str) -> Response:
    is_secure = request.url.scheme == "https"
    reply.set_cookie(_COOKIE, secret, path="/", httponly=True, samesite="lax", secure=is_secure, max_age=12 * 3600)
    return reply


@functools.cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("lampway.web", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["version"] = __version__
    made.filters.update(moment=shown, short=short, ago=_ago, words=_words, lasting=lasting, percent=percent)
    made.filters.update(brief=brief, headed=headed, lines=lines_of, linked=_linked, back=back_words, onscreen=onscreen)
    made.filters.update(failing=failing)
    return made


def _words(text: str) -> Markup:
    """Return words of ours with the *names* and `code` in them set apart; whatever they hold stays text.

    Code stands as it was written: from the first mark to the last, for code may hold such marks itself; *from A to B*
    is two pieces of it.
    """
    before, mark, rest = str(escape(text)).partition("`")
    code, end, after = rest.rpartition("`")
    if not mark or not end:
        return Markup(_named(before + mark + rest))  # noqa: S704 - escaped before
    code = code.replace("` to `", "</code> to <code>")
    return Markup(f"{_named(before)}<code>{code}</code>{_named(after)}")  # noqa: S704 - escaped before


def _linked(text: str) -> Markup:
    """Return words of ours as `_words` does, with the way to each promotion that they name, and without commands."""
    return Markup(_PROMOTION.sub(r'<a href="/promotions/\1">another promotion</a>', str(_words(unhinted(text)))))  # noqa: S704 - escaped


def _named(escaped: str) -> str:
    return _NAME.sub(r"<em>\1</em>", escaped)


def _ago(at: str, now: str) -> str:
    """Return how long ago a moment was, in words."""
    if not at:
        return ""
    seconds = (datetime.fromisoformat(now).astimezone(UTC) - datetime.fromisoformat(at).astimezone(UTC)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now" if seconds >= 0 else "in a while"


def require_field(page: Page, name: str) -> str:
    """Return a field of the form that was sent. Raises UsageError where it is empty."""
    value = page.form.get(name, "").strip()
    if not value:
        raise UsageError(f"{name} is missing", hint="go back and fill it in")
    return value
