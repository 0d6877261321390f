"""What a scanner is given to look at, and what it makes of it."""

from __future__ import annotations

import json

import pytest
from n8n_sample import as_json, changed, configuration, field, node, orders, package, workflow

from lampway.domain.package import Role, Severity
from lampway.platforms.n8n.package import N8nFormat
from lampway.scan.scanner import RuleScanner

FORMAT = N8nFormat()
KEY = "Xy7-pQ2rT9vLm4KdZ8wB"


def literals(parameters, type_="httpRequest", **more):
    data = as_json(workflow("W", [node("A", type_, parameters=parameters, **more)]))
    return {one.place.partition(" A / ")[2]: one for one in FORMAT.inspect(data).literals}


def found(parameters, type_="httpRequest", **more):
    """Return the rules that find something in one node, by place."""
    data = as_json(workflow("W", [node("A", type_, parameters=parameters, **more)]))
    inspection = FORMAT.inspect(data)
    faults = inspection.faults(RuleScanner().scan(inspection.literals))
    return {(f.severity.value, f.place.partition(" A / ")[2]) for f in faults}


def pairs(name, value):
    return {"parameters": [{"name": name, "value": value}]}


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"headerParameters": pairs("X-Api-Key", KEY)}, "header / X-Api-Key"),
        ({"headerParameters": pairs("Authorization", f"Bearer {KEY}")}, "header / Authorization"),
        ({"headerParameters": pairs("Authorization", f"=Bearer {KEY}")}, "header / Authorization"),
        ({"queryParameters": pairs("api_key", KEY)}, "query parameter / api_key"),
        ({"bodyParameters": pairs("password", "geheim77")}, "body parameter / password"),
        ({"jsonBody": json.dumps({"auth": {"client_secret": KEY}})}, "jsonBody / auth / client_secret"),
        ({"jsonBody": f'={{"q": "{{{{ $json.q }}}}", "api_key": "{KEY}"}}'}, "jsonBody / api_key"),
        ({"jsonBody": f'={{"q": {{{{ $json.q }}}}, "api_key": "{KEY}"}}'}, "jsonBody"),
        ({"url": f"https://ana:{KEY}@erp.corp.internal/x"}, "url"),
        ({"url": "=https://x.corp.internal/?t=ghp_0123456789abcdefghijABCDEFGHIJ012345"}, "url"),
        ({"options": {"password": "geheim77"}}, "options / password"),
        ({"text": f"={{{{ $json.a ? 'Bearer {KEY}' : '' }}}}"}, "text"),
        ({"jsCode": f"const apiKey = '{KEY}';\nreturn items;"}, "jsCode"),
        ({"pythonCode": f"password = '{KEY}'"}, "pythonCode"),
        ({"functionCode": f"const password = '{KEY}';"}, "functionCode"),
        ({"command": f"curl -u ana:{KEY} https://erp.corp.internal"}, "command"),
        ({"assignments": {"assignments": [field("apiKey", KEY)]}}, "field / apiKey"),
        ({"values": {"string": [{"name": "token", "value": KEY}]}}, "values / token"),
    ],
)
def test_a_secret_is_found_wherever_a_maker_types_one(parameters, place):
    assert ("secret", place) in found(parameters)


def test_a_secret_in_a_note_or_description_is_found():
    assert ("secret", "notes") in found({}, notes="the key is ghp_0123456789abcdefghijABCDEFGHIJ012345")
    assert ("secret", "content") in found({"content": f"login with password = '{KEY}'"}, "stickyNote")
    described = as_json(workflow("W", [], description="ghp_0123456789abcdefghijABCDEFGHIJ012345"))
    (one,) = FORMAT.inspect(described).literals
    assert (one.place, one.role) == ("workflow W / description", Role.TEXT)


def test_what_is_compared_with_goes_by_the_name_of_what_it_is_compared_to():
    one = {"leftValue": "={{ $json.headers.token }}", "rightValue": KEY, "operator": {"operation": "equals"}}
    parameters = {"conditions": {"conditions": [one]}}
    assert literals(parameters, "if")["condition 1 / rightValue"].key == "token"
    assert [s for s, _ in found(parameters, "if")] == ["secret"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"headerParameters": pairs("Authorization", "={{ $json.token }}")},
        {"headerParameters": pairs("Authorization", "=Bearer {{ $('Configuration').first().json.KEY }}")},
        {"headerParameters": pairs("Authorization", "Bearer YOUR_TOKEN_HERE")},
        {"url": "={{ $('Configuration').first().json.ERP_URL }}/orders"},
        {"url": "/relative/path"},
        {"maxTokens": 4000, "options": {"maxTokens": 4000}},
        {"nodeCredentialType": "openAiApi", "authentication": "predefinedCredentialType"},
        {"documentId": {"__rl": True, "mode": "list", "value": "1aBcD3fGh1jKlMn0pQrStUvWxYz", "cachedResultName": "T"}},
        {"assignments": {"assignments": [field("Token Address", "0xdAC17F958D2ee523a2206206994597C13D831ec7")]}},
        {"options": {"ipWhitelist": "10.0.0.1"}},
        {"path": "0a8b7c6d-1234-5678-9abc-def012345678"},
        {"columns": {"mappingMode": "defineBelow", "value": {}, "schema": [{"id": "password", "type": "string"}]}},
    ],
)
def test_what_is_filled_in_at_run_time_or_only_sounds_like_a_secret_is_none(parameters):
    assert found(parameters) == set()


def test_a_fixed_address_is_found_with_a_cure_for_makers():
    data = as_json(workflow("W", [node("A", "httpRequest", parameters={"url": "https://erp.corp.internal/x"})]))
    inspection = FORMAT.inspect(data)
    (fault,) = inspection.faults(RuleScanner().scan(inspection.literals))
    assert (fault.severity, fault.place) == (Severity.ENDPOINT, "workflow W / http request A / url")
    assert "*Configuration* node" in fault.fix
    assert "erp.corp" not in repr(fault)


def test_an_address_in_a_configuration_is_where_it_belongs():
    data = as_json(workflow("W", [configuration(field("ERP_URL", "https://erp.dev.corp"), field("API_KEY", KEY))]))
    inspection = FORMAT.inspect(data)
    faults = inspection.faults(RuleScanner().scan(inspection.literals))
    assert {(f.severity.value, f.place) for f in faults} == {
        ("secret", "workflow W / set Configuration / field / API_KEY"),
        ("governance", "workflow W / Configuration / API_KEY"),
    }


def test_two_headers_of_one_name_have_two_places():
    listed = {"parameters": [{"name": "X-Key", "value": "a1"}, {"name": "X-Key", "value": "b2"}]}
    assert {"header / X-Key (1)", "header / X-Key (2)"} <= literals({"headerParameters": listed}).keys()


def test_credentials_are_never_given_to_anybody():
    told = repr(FORMAT.inspect(as_json(orders())).literals)
    assert "credDevId" not in told
    assert "ERP key" not in told


def test_no_secret_shows_in_what_an_inspection_tells():
    data = as_json(changed("Sum", parameters={"jsCode": f"const apiKey = '{KEY}'"}))
    inspection = FORMAT.inspect(data)
    told = repr((inspection.inventory, inspection.faults(RuleScanner().scan(inspection.literals))))
    for secret in (KEY, "plain-4711-Qx7"):
        assert secret not in told


def test_the_sample_has_one_secret_and_nothing_else():
    inspection = FORMAT.inspect(package())
    faults = inspection.faults(RuleScanner().scan(inspection.literals))
    assert [(f.severity.value, f.place) for f in faults] == [
        ("secret", "workflow Orders / http request ERP / header / X-Api-Key")
    ]
