"""The emulator's tenant: who may sign in and how, and what admins ask about environments."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from emulated_orders import installed, opened, refused, rows

from lampway.testing.dataverse import DataverseEmulator

BAP = "/providers/Microsoft.BusinessAppPlatform"
ADMIN = f"{BAP}/scopes/admin/environments"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["test", "prod"], polls=2) as emulator:
        yield emulator


@pytest.fixture
def admin(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {emulator.token()}"}
    parameters = {"api-version": "2021-04-01"}
    with httpx.Client(base_url=emulator.authority, headers=headers, params=parameters) as client:
        yield client


def asked(emulator: DataverseEmulator, **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "scope": f"{emulator.environment('prod').url}/.default",
    }
    return httpx.post(emulator.token_url, data={key: value for key, value in (form | more).items() if value})


def who(emulator: DataverseEmulator, token: str, name: str = "prod") -> httpx.Response:
    url = f"{emulator.environment(name).url}/api/data/v9.2/WhoAmI"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"})


def test_a_secret_is_worth_a_token_for_one_environment(emulator: DataverseEmulator) -> None:
    answer = asked(emulator).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert who(emulator, answer["access_token"]).status_code == 200
    assert who(emulator, answer["access_token"], "test").status_code == 401
    assert who(emulator, "made up").status_code == 401


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 400, "unauthorized_client"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_nothing_less_is_worth_one(emulator: DataverseEmulator, given: dict[str, str], status: int, error: str) -> None:
    answer = asked(emulator, **given)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].startswith("AADSTS")


def test_a_token_ends(emulator: DataverseEmulator) -> None:
    token = asked(emulator).json()["access_token"]
    assert who(emulator, token).status_code == 200
    emulator.tenant._clock = lambda: datetime.now(UTC) + timedelta(hours=1)
    assert who(emulator, token).status_code == 401


def certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "release")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return key, builder.sign(key, hashes.SHA256())


def encoded(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def assertion(
    key: rsa.RSAPrivateKey, held: x509.Certificate, client: str, audience: str, *, alg: str = "PS256", age: int = 0
) -> str:
    der = held.public_bytes(serialization.Encoding.DER)
    header = {"alg": alg, "typ": "JWT", "x5t#S256": encoded(hashlib.sha256(der).digest())}
    now = int(time.time()) - age
    claims = {"aud": audience, "iss": client, "sub": client, "jti": f"{time.monotonic_ns()}", "exp": now + 300}
    if age < 0:
        claims["nbf"] = now
    signed = f"{encoded(header)}.{encoded(claims)}"
    pads = {"PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32), "RS256": padding.PKCS1v15()}
    return f"{signed}.{encoded(key.sign(signed.encode(), pads[alg], hashes.SHA256()))}"


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_a_certificate_is_worth_a_token_once_per_assertion(emulator: DataverseEmulator, alg: str) -> None:
    key, held = certificate()
    pem = held.public_bytes(serialization.Encoding.PEM).decode()
    emulator.add_application("with-certificate", certificate=pem, roles=["System Administrator"])
    proof = {
        "client_id": "with-certificate",
        "client_secret": "",
        "client_assertion_type": ASSERTION,
        "client_assertion": assertion(key, held, "with-certificate", emulator.token_url, alg=alg),
    }
    token = asked(emulator, **proof).json()["access_token"]
    assert who(emulator, token).status_code == 200
    assert asked(emulator, **proof).status_code == 401, "the same assertion again"


def test_an_assertion_that_proves_nothing_is_refused(emulator: DataverseEmulator) -> None:
    (key, held), (other, _) = certificate(), certificate()
    pem = held.public_bytes(serialization.Encoding.PEM).decode()
    emulator.add_application("mine", certificate=pem)
    url = emulator.token_url
    for bad in (
        assertion(other, held, "mine", url),
        assertion(key, held, "yours", url),
        assertion(key, held, "mine", "https://elsewhere"),
        assertion(key, held, "mine", url, age=1000),
        assertion(key, held, "mine", url, age=-1000),
        "a.b.c",
        "",
    ):
        proof = {"client_id": "mine", "client_secret": "", "client_assertion_type": ASSERTION, "client_assertion": bad}
        assert asked(emulator, **proof).status_code == 401


def test_an_application_needs_a_user_and_a_role(emulator: DataverseEmulator) -> None:
    emulator.add_application("stranger", secret="s")
    emulator.add_application("reader", secret="s", roles=["Basic User"])
    tokens = {
        name: asked(emulator, client_id=name, client_secret="s").json()["access_token"]
        for name in ("stranger", "reader")
    }
    assert who(emulator, tokens["stranger"]).status_code == 403
    assert who(emulator, tokens["reader"]).status_code == 200
    headers = {"Authorization": f"Bearer {tokens['reader']}"}
    url = f"{emulator.environment('prod').url}/api/data/v9.2"
    assert httpx.get(f"{url}/solutions", headers=headers).status_code == 200
    assert refused(lambda: httpx.post(f"{url}/PublishAllXml", headers=headers))[:2] == (403, "0x80040220")


def test_environments_are_listed_with_where_they_are(emulator: DataverseEmulator, admin: httpx.Client) -> None:
    found = {one["properties"]["displayName"]: one for one in admin.get(ADMIN).json()["value"]}
    assert set(found) == {"test", "prod"}
    prod = emulator.environment("prod")
    assert found["prod"]["name"] == prod.id
    assert found["prod"]["properties"]["linkedEnvironmentMetadata"]["instanceUrl"] == f"{prod.url}/"
    assert admin.get(f"{ADMIN}/{prod.id}").json() == found["prod"]
    assert admin.get(f"{ADMIN}/nothing").status_code == 404
    assert httpx.get(f"{emulator.authority}{ADMIN}", headers=admin.headers).status_code == 400, "no api-version"
    assert httpx.get(f"{emulator.authority}{ADMIN}").status_code == 401


def done(admin: httpx.Client, answer: httpx.Response) -> list[str]:
    """Follow something long to its end, and return the states it went through."""
    assert answer.status_code == 202
    states = []
    for _ in range(9):
        states.append(admin.get(answer.headers["operation-location"]).json()["state"]["id"])
        if states[-1] == "Succeeded":
            return states
    raise AssertionError(states)


def test_a_backup_takes_its_time_and_is_listed(emulator: DataverseEmulator, admin: httpx.Client) -> None:
    prod = emulator.environment("prod")
    installed(prod)
    address = f"{BAP}/environments/{prod.id}/backups"
    answer = admin.post(address, json={"label": "before 2.0"})
    assert admin.get(address).json()["value"] == []
    assert done(admin, answer) == ["Running", "Succeeded"]
    backup = admin.get(address).json()["value"][0]
    assert backup["label"] == "before 2.0"
    prod.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="later"))
    emulator.administration.restore(backup["id"])
    assert "later" not in str(prod.maker.definition("Notify"))


def test_an_environment_is_copied_reset_and_governed(emulator: DataverseEmulator, admin: httpx.Client) -> None:
    prod, test = emulator.environment("prod"), emulator.environment("test")
    installed(prod)
    body = {"copyType": "FullCopy", "targetEnvironmentName": test.id, "friendlyName": "copy"}
    done(admin, admin.post(f"{ADMIN}/{prod.id}/copy", json=body))
    with opened(emulator, "test") as client:
        assert [one["name"] for one in rows(client, "workflows")] == ["Notify"]
        done(admin, admin.post(f"{ADMIN}/{test.id}/reset", json={}))
        assert rows(client, "workflows") == []
    assert refused(lambda: admin.post(f"{ADMIN}/{prod.id}/copy", json={"targetEnvironmentName": test.id}))[0] == 400
    answer = admin.post(f"{BAP}/environments/{prod.id}/governanceConfiguration", json={"protectionLevel": "Standard"})
    done(admin, answer)
    found = admin.get(f"{ADMIN}/{prod.id}").json()["properties"]["governanceConfiguration"]
    assert found == {"protectionLevel": "Standard"}


def test_connections_are_listed_for_admins(emulator: DataverseEmulator, admin: httpx.Client) -> None:
    prod = emulator.environment("prod")
    prod.maker.add_connection("c1", "shared_office365")
    found = admin.get(f"/providers/Microsoft.PowerApps/scopes/admin/environments/{prod.id}/connections").json()["value"]
    assert [(one["name"], one["properties"]["apiId"].rpartition("/")[2]) for one in found] == [
        ("c1", "shared_office365")
    ]


def test_an_application_must_be_registered_before_it_administers(emulator: DataverseEmulator) -> None:
    emulator.add_application("new", secret="s")
    token = asked(emulator, client_id="new", client_secret="s", scope="https://service.powerapps.com/.default").json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    parameters = {"api-version": "2021-04-01"}
    address = f"{emulator.authority}{ADMIN}"
    assert httpx.get(address, headers=headers, params=parameters).status_code == 403
    register = f"{emulator.authority}{BAP}/adminApplications/new"
    assert httpx.put(register, headers=headers, params=parameters).status_code == 200
    assert httpx.get(address, headers=headers, params=parameters).status_code == 200


def test_the_tenant_can_fail_too(emulator: DataverseEmulator) -> None:
    emulator.faults.throttle("token", retry_after=3)
    answer = asked(emulator)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert asked(emulator).status_code == 200
