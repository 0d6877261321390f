"""What a conversation with Dataverse promises: who is asked, what is repeated, and what every failure is told as."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    LampwayError,
    NotFoundError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.signin import Tokens

PASSWORD = "secret-of-the-application-4711"
ID = "11111111-2222-3333-4444-555555555555"
Answer = Callable[[httpx.Request], httpx.Response]
RAISED = sorted(
    (kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, httpx.TransportError)),
    key=lambda kind: kind.__name__,
)
UNSENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol}


class Service:
    """Dataverse and its sign-in, in one process: what it is asked is kept, what it answers is given."""

    def __init__(self, *answers: httpx.Response | type[Exception] | Answer) -> None:
        self.answers: Iterator[httpx.Response | type[Exception] | Answer] = iter(answers)
        self.asked: list[httpx.Request] = []
        self.signed_in: list[httpx.Request] = []
        self.paused: list[float] = []
        self.lasts = 3600

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth2/v2.0/token"):
            self.signed_in.append(request)
            token = f"token-{len(self.signed_in)}-of-the-application"
            return httpx.Response(200, json={"access_token": token, "expires_in": self.lasts})
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, type):
            raise answer("m")
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def client(self, access: Access | None = None, **more: object) -> Client:
        transport = httpx.MockTransport(self)
        return Client(access or reach(), transport=transport, pause=self.paused.append, **more)


def reach(**settings: str) -> Access:
    given = {"tenant": "contoso", "client_id": "app-1", **settings}
    return Access("prod", "https://contoso.crm.test", {"client_secret": Secret(PASSWORD)}, settings=given)


def good(body: object) -> httpx.Response:
    return httpx.Response(200, json=body)


def bad(status: int, message: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": "0x1", "message": message}}, headers=headers)


def test_the_token_is_asked_for_by_the_client_secret_and_used_until_it_nears_its_end() -> None:
    now = [0.0]
    service, tokens = Service(*(good({"UserId": ID}) for _ in range(4))), Tokens(clock=lambda: now[0])
    for later in (0.0, 3000.0, 299.0, 2.0):
        now[0] += later
        service.client(tokens=tokens).function("WhoAmI")
    assert len(service.signed_in) == 2
    form = {name: values[0] for name, values in parse_qs(service.signed_in[0].content.decode()).items()}
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "app-1",
        "client_secret": PASSWORD,
        "scope": "https://contoso.crm.test/.default",
    }
    assert str(service.signed_in[0].url) == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token"
    assert [r.headers["authorization"][7:14] for r in service.asked] == ["token-1", "token-1", "token-1", "token-2"]


def test_another_credential_never_gets_the_token_of_the_first() -> None:
    service, tokens = Service(good({}), good({})), Tokens()
    service.client(tokens=tokens).function("WhoAmI")
    other = Access("prod", reach().url, {"client_secret": Secret("another-secret")}, settings=reach().settings)
    service.client(other, tokens=tokens).function("WhoAmI")
    assert len(service.signed_in) == 2


def test_a_sign_in_that_does_not_answer_keeps_only_its_own_environment_waiting() -> None:
    tokens, asked, answered = Tokens(), threading.Event(), threading.Event()

    def hang() -> dict[str, object]:
        asked.set()
        assert answered.wait(10)
        return {"access_token": "late", "expires_in": 3600}

    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(tokens.give, ("a",), hang)
        assert asked.wait(10)
        other = pool.submit(tokens.give, ("b",), lambda: {"access_token": "other", "expires_in": 3600})
        try:
            assert other.result(timeout=5).reveal() == "other"
        finally:
            answered.set()
        assert late.result(timeout=5).reveal() == "late"


def test_every_host_can_be_another_one() -> None:
    service = Service(good({}), good({}))
    access = reach(
        authority="https://login.gov.test", scope="https://own.test/.default", admin_url="https://bap.gov.test"
    )
    with service.client(access) as client:
        client.function("WhoAmI")
        client.admin("GET", "/environments?api-version=1")
    assert [str(request.url).partition("/contoso")[0] for request in service.signed_in] == [
        "https://login.gov.test"
    ] * 2
    assert "own.test" in service.signed_in[0].content.decode()
    assert "service.powerapps.com" in service.signed_in[1].content.decode()
    assert (
        str(service.asked[1].url)
        == "https://bap.gov.test/providers/Microsoft.BusinessAppPlatform/environments?api-version=1"
    )


def certificate() -> tuple[str, rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lampway")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    return pem.decode(), key, made.fingerprint(hashes.SHA256())


def test_a_certificate_signs_in_without_leaving_this_machine() -> None:
    pem, key, thumbprint = certificate()
    access = Access("prod", reach().url, {"certificate": Secret(pem)}, settings=reach().settings)
    service = Service(good({}))
    service.client(access).function("WhoAmI")
    form = parse_qs(service.signed_in[0].content.decode())
    read = jwt.decode(form["client_assertion"][0], RSAKey.import_key(key.public_key()), algorithms=["PS256"])
    assert (read.claims["iss"], read.claims["sub"], read.claims["aud"]) == (
        "app-1",
        "app-1",
        "https://login.microsoftonline.com/contoso/oauth2/v2.0/token",
    )
    assert read.header["x5t#S256"] == literal_b64(thumbprint)
    assert "PRIVATE KEY" not in unquote(service.signed_in[0].content.decode())
    assert read.claims["nbf"] <= datetime.now(UTC).timestamp() - 240, "our clock may be ahead of theirs"


def test_a_sign_in_whose_answer_was_lost_is_signed_anew() -> None:
    pem, _, _ = certificate()
    access = Access("prod", reach().url, {"certificate": Secret(pem)}, settings=reach().settings)
    service, asked = Service(good({})), []

    def lost_once(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            asked.append(parse_qs(request.content.decode())["client_assertion"][0])
            if len(asked) == 1:
                raise httpx.ReadError("cut")
        return service(request)

    Client(access, transport=httpx.MockTransport(lost_once), pause=lambda _: None).function("WhoAmI")
    assert len(set(asked)) == 2


def literal_b64(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("pem", ["", "no certificate at all", certificate()[0].partition("-----BEGIN CERT")[0]])
def test_what_is_no_certificate_is_told_with_its_cure(pem: str) -> None:
    access = Access("prod", reach().url, {"certificate": Secret(pem)}, settings=reach().settings)
    with pytest.raises(AccessError) as caught:
        Service().client(access).function("WhoAmI")
    assert "PEM" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "credentials", "said"),
    [
        ({}, {"client_secret": Secret(PASSWORD)}, "tenant"),
        ({"tenant": "t"}, {"client_secret": Secret(PASSWORD)}, "client_id"),
        ({"tenant": "t", "client_id": "c"}, {}, "credential"),
    ],
)
def test_what_is_not_told_is_named(settings: dict[str, str], credentials: dict[str, Secret], said: str) -> None:
    with pytest.raises(AccessError, match=said) as caught:
        Service().client(Access("prod", "https://x.test", credentials, settings=settings)).function("WhoAmI")
    assert caught.value.hint


def test_a_credential_never_travels_unencrypted_over_a_network() -> None:
    service = Service()
    for access in (
        Access("prod", "http://contoso.test", reach().credentials, settings=reach().settings),
        reach(authority="http://login.test"),
    ):
        with pytest.raises(AccessError, match="unencrypted"):
            service.client(access).function("WhoAmI")
    assert not service.asked
    assert not service.signed_in


def test_a_refused_sign_in_tells_its_cure_and_no_secret() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        told = f"AADSTS7000215: Invalid client secret provided: {PASSWORD}.\r\nTrace ID: 1"
        return httpx.Response(401, json={"error": "invalid_client", "error_description": told})

    with pytest.raises(AccessError) as caught:
        Client(reach(), transport=httpx.MockTransport(refuse)).function("WhoAmI")
    assert "value" in caught.value.hint
    assert PASSWORD not in str(caught.value)


def test_every_page_is_read_and_a_link_to_another_host_is_not_followed() -> None:
    second = "https://contoso.crm.test/api/data/v9.2/solutions?$skiptoken=2"
    service = Service(good({"value": [{"n": 1}], "@odata.nextLink": second}), good({"value": [{"n": 2}]}))
    options = {"select": "n", "filter": f"name eq {literal(chr(79) + chr(39) + 'Neil')}"}
    assert [row["n"] for row in service.client().rows("solutions", **options)] == [1, 2]
    assert service.asked[0].url.params["$filter"] == "name eq 'O''Neil'"
    assert str(service.asked[1].url) == second
    service = Service(good({"value": [], "@odata.nextLink": "https://elsewhere.test/api/data/v9.2/solutions"}))
    with pytest.raises(PlatformError, match="another host"):
        list(service.client().rows("solutions"))
    assert len(service.asked) == 1


@pytest.mark.parametrize("url", ["https://Contoso.CRM.test", "https://contoso.crm.test:443/"])
def test_a_link_to_the_same_host_in_other_letters_is_followed(url: str) -> None:
    second = "https://contoso.crm.test/api/data/v9.2/solutions?$skiptoken=2"
    service = Service(good({"value": [{"n": 1}], "@odata.nextLink": second}), good({"value": [{"n": 2}]}))
    access = Access("prod", url, {"client_secret": Secret(PASSWORD)}, settings=reach().settings)
    assert [row["n"] for row in service.client(access).rows("solutions")] == [1, 2]


@pytest.mark.parametrize("link", ["http://contoso.crm.test/x", "https://contoso.crm.test:8443/x", "https://c:x/y"])
def test_a_link_to_another_port_or_unencrypted_is_not_followed(link: str) -> None:
    service = Service(good({"value": [], "@odata.nextLink": link}))
    with pytest.raises(PlatformError, match="another host"):
        list(service.client().rows("solutions"))


def test_parameters_of_a_function_travel_as_aliases() -> None:
    service = Service(good({"value": []}))
    service.client().function("RetrieveDependenciesForUninstall", SolutionUniqueName="it's & more")
    assert service.asked[0].url.path == "/api/data/v9.2/RetrieveDependenciesForUninstall(SolutionUniqueName=@p1)"
    assert service.asked[0].url.params["@p1"] == "'it''s & more'"


def test_a_row_that_was_made_is_known_by_its_id_and_an_update_makes_none() -> None:
    place = f"https://contoso.crm.test/api/data/v9.2/workflows({ID})"
    service = Service(httpx.Response(204, headers={"OData-EntityId": place}), httpx.Response(204), httpx.Response(204))
    client = service.client()
    assert client.create("workflows", {"name": "x"}) == ID
    client.update("workflows", ID, {"statecode": 1})
    client.delete("workflows", ID)
    assert [(r.method, r.headers.get("if-match")) for r in service.asked] == [
        ("POST", None),
        ("PATCH", "*"),
        ("DELETE", None),
    ]


def test_a_read_waits_as_long_as_it_is_asked_to_and_goes_on() -> None:
    service = Service(bad(429, **{"Retry-After": "7"}), bad(503), httpx.ReadTimeout, good({"ok": 1}))
    assert service.client().function("WhoAmI") == {"ok": 1}
    assert service.paused[0] == 7.0
    assert len(service.asked) == 4


def test_waiting_ends_and_is_told_as_something_to_try_again() -> None:
    service = Service(*(bad(429, **{"Retry-After": "60"}) for _ in range(9)))
    with pytest.raises(UnreachableError) as caught:
        service.client().action("ImportSolutionAsync", {})
    assert caught.value.retryable
    assert sum(service.paused) <= 90


def test_a_change_is_repeated_only_where_nothing_was_done_with_it() -> None:
    service = Service(bad(429, **{"Retry-After": "1"}), bad(401), good({"ok": 1}))
    assert service.client().action("ImportSolutionAsync", {}) == {"ok": 1}
    assert len(service.signed_in) == 2
    for answer in (bad(500), bad(502), bad(503), httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
        service = Service(answer)
        with pytest.raises(UnknownOutcomeError):
            service.client().action("ImportSolutionAsync", {})
        assert len(service.asked) == 1


def test_a_function_that_changes_something_is_sent_once() -> None:
    service = Service(httpx.ReadTimeout)
    with pytest.raises(UnknownOutcomeError):
        service.client().change_by_function("RemoveActiveCustomizations", SolutionComponentName="Workflow")
    assert len(service.asked) == 1


@pytest.mark.parametrize("kind", RAISED)
def test_every_failure_of_the_connection_is_told_in_our_words(kind: type[Exception]) -> None:
    service = Service(*[kind] * 9)
    with pytest.raises(UnreachableError):
        service.client().function("WhoAmI")
    wanted = UnreachableError if kind in UNSENT else UnknownOutcomeError
    with pytest.raises(wanted):
        service.client().action("ImportSolutionAsync", {})


@pytest.mark.parametrize(
    ("answer", "reading", "changing"),
    [
        (bad(400), PlatformRefusedError, PlatformRefusedError),
        (bad(401), AccessError, AccessError),
        (bad(403), AccessError, AccessError),
        (bad(404), NotFoundError, NotFoundError),
        (httpx.Response(404, text="<html>"), PlatformError, PlatformError),
        (bad(412), ConflictError, ConflictError),
        (bad(413), PlatformRefusedError, PlatformRefusedError),
        (bad(500), UnreachableError, UnknownOutcomeError),
        (httpx.Response(302, headers={"location": "https://x.test"}), PlatformError, UnknownOutcomeError),
        (httpx.Response(200, text="<html>"), PlatformError, UnknownOutcomeError),
        (httpx.Response(200, json=[1]), PlatformError, None),
        (httpx.Response(200, content=b"[" * 100_000), PlatformError, UnknownOutcomeError),
    ],
)
def test_every_status_has_its_meaning(
    answer: httpx.Response, reading: type[LampwayError], changing: type[LampwayError] | None
) -> None:
    def again(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with pytest.raises(reading) as caught:
        Service(*[again] * 9).client().function("WhoAmI")
    assert type(caught.value) is reading
    if changing:
        with pytest.raises(changing) as caught:
            Service(*[again] * 9).client().action("X")
        assert type(caught.value) is changing


def test_the_platforms_own_words_are_told_with_their_code_and_without_secrets() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        words = f"bad {PASSWORD} and {request.headers['authorization']} and vault-key-4711 " + "x" * 5000
        return httpx.Response(400, json={"error": {"code": "0x80048068", "message": words}})

    client = Service(echo).client()
    client.hide(Secret("vault-key-4711"))
    with pytest.raises(PlatformRefusedError) as caught:
        client.action("ImportSolutionAsync")
    text = str(caught.value)
    assert "0x80048068" in text
    assert len(text) < 1000
    assert [word for word in (PASSWORD, "token-1", "vault-key") if word in text] == []


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lampway.platforms.powerplatform.client.LARGEST", 1000)
    with pytest.raises(UnreachableError, match="larger"):
        Service(*[lambda _: httpx.Response(200, content=b"1" * 1001)] * 3).client().function("WhoAmI")


@pytest.mark.parametrize("id_", ["", "x", "../accounts", f"{ID})/x("])
def test_only_an_id_gets_into_an_address(id_: str) -> None:
    service = Service()
    with pytest.raises(PlatformError, match="no id"):
        service.client().row("workflows", id_)
    assert not service.asked


def test_a_body_arrives_as_it_was_meant() -> None:
    service = Service(good({}))
    service.client().action("ImportSolutionAsync", {"Ünique": True})
    assert json.loads(service.asked[0].content) == {"Ünique": True}
    assert service.asked[0].headers["odata-version"] == "4.0"
