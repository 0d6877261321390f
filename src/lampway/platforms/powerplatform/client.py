"""Dataverse's Web API over HTTP: every answer checked and bounded, every failure told in our own errors.

Reads are repeated while the platform asks to wait or fails for a moment. A change is sent once: it is sent again only
where the platform said that it did nothing with it (429, and a token that had run out). Whatever else is no clear
answer to a change is an `UnknownOutcomeError`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from lampway.domain.secret import Secret, mask
from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.calls import failures, never_sent
from lampway.platforms.powerplatform.signin import (
    ADMIN_SCOPE,
    ADMIN_URL,
    AUTHORITY,
    Tokens,
    ask_for,
    key_of,
    refused_sign_in,
    require_safe,
    scope_of,
    told,
)

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

API = "/api/data/v9.2/"
ADMIN = "/providers/Microsoft.BusinessAppPlatform"
LARGEST = 192 * 1024 * 1024
"""Bytes of the largest answer that is read: an exported solution, in base64."""

_CONNECT = 10.0  # seconds
_ANSWER = 150.0  # seconds of silence; synchronous calls are ended by the platform after two to four minutes
_WHOLE = 600.0  # seconds for one answer, however slowly it arrives
_PAGES = 2000
_PAGE = 500
_TRIES = 6
_PATIENCE = 90.0  # seconds that the platform may make us wait in all, within one call
_HEADERS = {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json"}
_MOMENTARY = {502, 503, 504}
_ADDRESS_HINT = "is the url the address of a Dataverse environment, such as https://contoso.crm.dynamics.com?"
_ACCESS_HINT = "is the application a user of this environment, with the role System Administrator?"
_CHANGE_HINT = "it may have happened; look at the environment before doing it again"


class Client:
    """One conversation with one environment. Signs in when the first call needs it; any thread may call."""

    def __init__(
        self,
        access: Access,
        *,
        tokens: Tokens | None = None,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        self.where = access.environment
        """Name of the environment, for messages."""
        self.access = access
        self._tokens = tokens or Tokens()
        self._pause = pause
        self._root = access.url.rstrip("/")
        self._hidden: list[Secret] = [s for name, s in access.credentials.items() if name not in _OPEN]
        self._errors = failures()
        self._unsent = never_sent()
        timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
        hosts = (self._root, told(access, "authority", AUTHORITY), told(access, "admin_url", ADMIN_URL))
        checked = not all(host.startswith("http://") for host in hosts)  # to load certificates takes longer than a call
        self._http = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False, verify=checked)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def hide(self, *secrets: Secret) -> None:
        """Let these never appear in what the platform's own words are told as."""
        self._hidden += secrets

    # Reading.

    def rows(self, table: str, **options: Any) -> Iterator[dict[str, Any]]:
        """Yield every row of a table, page by page; `options` are select, filter, expand, orderby and top.

        `table` is the name of its entity set, such as `solutions`. Raises UnreachableError, AccessError, PlatformError.
        """
        asked = {f"${name}": str(value) for name, value in options.items() if value not in (None, "")}
        url = f"{API}{table}" + (f"?{_query(asked)}" if asked else "")
        for _ in range(_PAGES):
            page = self._object(self._send("GET", url, headers={"Prefer": f"odata.maxpagesize={_PAGE}"}), url)
            found = page.get("value")
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise PlatformError(f"answers without rows: {table}", where=self.where, hint=_ADDRESS_HINT)
            yield from found
            link = page.get("@odata.nextLink")
            if not link:
                return
            url = self._own(str(link))
        raise PlatformError(f"tells of more rows than can be read: {table}", where=self.where)

    def row(self, table: str, id_: str, **options: Any) -> dict[str, Any]:
        """Return one row by its id. Raises NotFoundError where there is none, and what `rows` raises."""
        asked = {f"${name}": str(value) for name, value in options.items() if value not in (None, "")}
        path = f"{API}{table}({_guid(id_)})" + (f"?{_query(asked)}" if asked else "")
        return self._object(self._send("GET", path), path)

    def function(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Return what a function of the platform answers. Its parameters travel as aliases."""
        path = _call(name, parameters)
        return self._object(self._send("GET", path), path)

    # Changing.

    def change_by_function(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Call a function that changes something although it is a GET: sent once. Raises like `action`."""
        path = _call(name, parameters)
        answer = self._send("GET", path, is_change=True)
        return answer if isinstance(answer, dict) else {}

    def action(self, name: str, body: Mapping[str, Any] | None = None, *, is_change: bool = True) -> dict[str, Any]:
        """Call an action and return what it answers; empty where it answers with nothing.

        `is_change` False: it changes nothing, such as StageSolution, and may be repeated. Raises PlatformRefusedError,
        AccessError, ConflictError, NotFoundError, UnreachableError (nothing was changed), else UnknownOutcomeError.
        """
        answer = self._send("POST", f"{API}{name}", body or {}, is_change=is_change)
        return answer if isinstance(answer, dict) else {}

    def create(self, table: str, record: Mapping[str, Any]) -> str:
        """Make a row and return its id. Raises like `action`."""
        made = self._answer("POST", f"{API}{table}", record, is_change=True)
        place = str(made.headers.get("OData-EntityId", ""))
        id_ = place.rpartition("(")[2].rstrip(")")
        if not _is_guid(id_):
            raise UnknownOutcomeError(f"no id of what was made in {table}", where=self.where, hint=_CHANGE_HINT)
        return id_.lower()

    def update(self, table: str, id_: str, changes: Mapping[str, Any]) -> None:
        """Change a row that is there; none is made. Raises like `action`."""
        self._answer("PATCH", f"{API}{table}({_guid(id_)})", changes, is_change=True, headers={"If-Match": "*"})

    def delete(self, table: str, id_: str) -> None:
        """Delete a row. Raises NotFoundError where there is none, and like `action`."""
        self._answer("DELETE", f"{API}{table}({_guid(id_)})", is_change=True)

    # Administration.

    def admin(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_change: bool = False
    ) -> tuple[Any, Mapping[str, str]]:
        """Return the answer of the admin API to a call below its root, and its headers. Raises like `action`."""
        root = told(self.access, "admin_url", ADMIN_URL).rstrip("/") + ADMIN
        scope = told(self.access, "admin_scope", ADMIN_SCOPE)
        response = self._answer(method, path, body, is_change=is_change, root=root, scope=scope)
        return self._json(response, path, is_change=is_change), response.headers

    # How.

    def _send(self, method: str, path: str, body: Any = None, *, is_change: bool = False, **more: Any) -> Any:
        return self._json(self._answer(method, path, body, is_change=is_change, **more), path, is_change=is_change)

    def _answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        is_change: bool = False,
        headers: Mapping[str, str] | None = None,
        root: str = "",
        scope: str = "",
    ) -> httpx.Response:
        """Return the good answer to a request, repeating what may be repeated."""
        base = root or self._root
        require_safe(base, self.where)
        waited, renewed, lost = 0.0, False, 0
        for number in range(1, _TRIES + 1):
            token, key = self._token(scope)
            given = {**_HEADERS, **(headers or {}), "Authorization": f"Bearer {token.reveal()}"}
            content = None if body is None else json.dumps(body).encode()
            if content is not None:
                given["Content-Type"] = "application/json; charset=utf-8"
            try:
                response = self._exchange(method, base + path, content, given)
            except self._errors as error:
                lost += 1
                if is_change or lost > 2 or isinstance(error, ValueError):
                    self._fail(error, base, is_change=is_change)
                self._pause(0.5 * lost)
                continue
            if response.status_code == 401 and not renewed:
                renewed = True
                self._tokens.forget(key)
                continue
            wait = _wait(response, number)
            again = response.status_code == 429 or (not is_change and response.status_code in _MOMENTARY)
            if not again or number == _TRIES or waited + wait > _PATIENCE:
                self._judge(response, path, is_change=is_change)
                return response
            waited += wait
            self._pause(wait)
        raise UnreachableError("asks to be left alone again and again", where=self.where)

    def _exchange(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> httpx.Response:
        """Return the whole answer, of bounded size, within bounded time."""
        import httpx

        end = time.monotonic() + _WHOLE
        with self._http.stream(method, url, content=content, headers=dict(headers)) as response:
            parts, size = [], 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise httpx.ReadError("the answer is larger than anything that can be used")
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer takes too long to arrive")
            return httpx.Response(
                response.status_code,
                headers=_plain(response.headers),
                content=b"".join(parts),
                request=response.request,
            )

    def _token(self, scope: str) -> tuple[Secret, tuple[str, ...]]:
        asked = ask_for(self.access, scope or scope_of(self.access))
        key = key_of(asked, self.access)

        def fetch() -> Mapping[str, Any]:
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            return self._fetch(asked.url, lambda: urlencode(asked.form(self.access)).encode(), kind)

        token = self._tokens.give(key, fetch)
        if token not in self._hidden:
            self._hidden.append(token)
        return token, key

    def _fetch(self, url: str, form: Callable[[], bytes], headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the answer with a token in it. Asking for one changes nothing; a signed request counts only once."""
        for number in range(1, 4):
            try:
                response = self._exchange("POST", url, form(), headers)
            except self._errors as error:
                if number == 3 or isinstance(error, ValueError):
                    self._fail(error, url, is_change=False)
                self._pause(0.5 * number)
                continue
            if (response.status_code == 429 or response.status_code in _MOMENTARY) and number < 3:
                self._pause(min(_wait(response, number), 30.0))
                continue
            break
        answer = _parsed(response.content)
        if response.status_code in {400, 401, 403}:
            refused = refused_sign_in(answer, self.where)
            raise AccessError(self._masked(refused.message), where=refused.where, hint=refused.hint)
        if response.status_code == 429 or response.status_code >= 500:
            told_ = f"the sign-in does not work now ({response.status_code})"
            raise UnreachableError(told_, where=self.where, hint=f"try again later: {urlsplit(url).netloc}")
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            hint = f"is authority the address of the sign-in? {urlsplit(url).netloc} answers"
            raise PlatformError("answers the sign-in with no token", where=self.where, hint=hint)
        return answer

    def _fail(self, error: Exception, address: str, *, is_change: bool) -> NoReturn:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, ValueError):  # may repeat what it could not encode, such as a token
            what = "the address or a credential has a character that cannot be sent"
        what = self._masked(what)[:300]
        if isinstance(error, self._unsent) or not is_change:
            hint = f"is there a way to {urlsplit(address).netloc or address}?"
            raise UnreachableError(f"cannot be reached: {what}", where=self.where, hint=hint) from None
        raise UnknownOutcomeError(f"no answer to a change: {what}", where=self.where, hint=_CHANGE_HINT) from None

    def _judge(self, response: httpx.Response, path: str, *, is_change: bool) -> None:
        """Raise for every status but success, as the error that says what it means."""
        status = response.status_code
        if 200 <= status < 300:
            return
        said = self._said(response)
        asked = f"{response.request.method} {urlsplit(path).path.removeprefix(API)[:120]}"
        if status in {401, 403}:
            told_ = f"does not let us do this ({status}): {asked}" + (f": {said}" if said else "")
            raise AccessError(told_, where=self.where, hint=_ACCESS_HINT)
        if status == 404 and said:
            raise NotFoundError(f"not found: {asked}: {said}", where=self.where)
        if status in {409, 412}:
            raise ConflictError(f"was changed meanwhile: {said or asked}", where=self.where, hint="look again")
        if status in {400, 405, 413, 422, 428, 501}:
            raise PlatformRefusedError(f"refuses {asked}: {said or status}", where=self.where)
        if status == 429:
            hint = "it does nothing with requests for some minutes after too many of them; try again later"
            raise UnreachableError(f"asks us to wait: {said or asked}", where=self.where, hint=hint)
        if is_change and status != 404:
            told_ = f"no usable answer to a change ({status}): {asked} {said}".strip()
            raise UnknownOutcomeError(told_, where=self.where, hint=_CHANGE_HINT)
        if status >= 500:
            raise UnreachableError(f"is there but does not work ({status}): {asked} {said}".strip(), where=self.where)
        raise PlatformError(
            f"answers what Dataverse does not answer ({status}): {asked}", where=self.where, hint=_ADDRESS_HINT
        )

    def _said(self, response: httpx.Response) -> str:
        """Return the platform's own words with its code, shortened, without any secret."""
        answer = _parsed(response.content)
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            return ""
        words, code = " ".join(str(error.get("message") or "").split()), str(error.get("code") or "")
        return self._masked(f"{words[:600]} ({code})" if code else words[:600])

    def _masked(self, text: str) -> str:
        return mask(text, self._hidden)

    def _json(self, response: httpx.Response, path: str, *, is_change: bool) -> Any:
        if response.status_code == 204 or not response.content:
            return None
        answer = _parsed(response.content)
        if answer is not _NOT_JSON:
            return answer
        name = urlsplit(path).path.removeprefix(API)[:120]
        if is_change:
            raise UnknownOutcomeError(f"answers a change with no JSON: {name}", where=self.where, hint=_CHANGE_HINT)
        raise PlatformError(f"answers with no JSON: {name}", where=self.where, hint=_ADDRESS_HINT)

    def _object(self, answer: Any, path: str) -> dict[str, Any]:
        if not isinstance(answer, dict):
            name = urlsplit(path).path.removeprefix(API)[:120]
            raise PlatformError(f"answers in a form that Dataverse does not use: {name}", where=self.where)
        return answer

    def _own(self, link: str) -> str:
        """Return the path of a link of this environment; our token goes nowhere else. Raises PlatformError."""
        there, here = urlsplit(link), urlsplit(self._root)
        if _origin(there) != _origin(here):
            raise PlatformError("sends us on to another host", where=self.where, hint=_ADDRESS_HINT)
        return there.path + (f"?{there.query}" if there.query else "")


_OPEN = {"tenant", "client_id", "authority", "scope", "admin_url", "admin_scope", "environment_id"}
"""Settings that are no secrets, even where they are given by reference."""
_NOT_JSON = object()
_PORTS = {"https": 443, "http": 80}


def literal(value: Any) -> str:
    """Return a value as OData writes it in a filter or a parameter: text in quotes, ids and numbers bare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, uuid.UUID | int | float):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value)


def _call(name: str, parameters: Mapping[str, Any]) -> str:
    aliases = {f"@p{number}": literal(value) for number, value in enumerate(parameters.values(), 1)}
    listed = ",".join(f"{key}={alias}" for key, alias in zip(parameters, aliases, strict=True))
    return f"{API}{name}({listed})" + (f"?{_query(aliases)}" if aliases else "")


def _query(options: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='$@')}={quote(value, safe='')}" for name, value in options.items())


def _guid(text: str) -> str:
    """Return an id as it stands in an address. Raises PlatformError for what is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise PlatformError(f"no id of a row: {text[:60]!r}") from None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address as they are compared: `https://Host:443` is `https://host`."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    return parts.scheme, parts.hostname, port if port is not None else _PORTS.get(parts.scheme)


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an answer whose content is decoded already."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
    }


def _wait(response: httpx.Response, number: int) -> float:
    """Return for how many seconds the platform asks to be left alone; it names seconds."""
    asked = str(response.headers.get("Retry-After", ""))
    return float(asked) if asked.isdecimal() and asked.isascii() else min(0.5 * float(2**number), 15.0)
