"""What a scanner gets to see, under which name, and where a maker finds it."""

from __future__ import annotations

import pytest
from nodered_sample import as_json, changed, flows, node

from lampway.domain.package import Role
from lampway.platforms.names import is_endpoint_name, is_secret_name
from lampway.platforms.nodered.package import NodeRedFormat

FORMAT = NodeRedFormat()


def literals(nodes):
    return {(one.place, one.key, one.value, one.role) for one in FORMAT.inspect(as_json(nodes)).literals}


def of(type_="x", **properties):
    """Return key, value and role of the literals in one node, its name left out."""
    tab = {"id": "t1", "type": "tab"}
    found = literals([tab, node("n", type_, **properties)])
    return {(key, value, role) for _, key, value, role in found}


def test_places_are_exact_and_in_a_makers_words():
    found = {place for place, *_ in literals(changed("n5", url="https://erp.test"))}
    assert "tab Orders / http request ERP / url" in found
    assert "tab Orders / http request ERP / header 1 / X-Api-Key" in found
    assert "subflow Retry / env 1 / WAIT" in found
    assert "mqtt-broker Other / broker" in found


def test_two_nodes_with_one_name_are_told_apart():
    nodes = [*flows(), node("n80", "http request", name="ERP", url="https://b")]
    assert "tab Orders / http request ERP (n80) / url" in {place for place, *_ in literals(nodes)}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"url": "https://a"}, ("url", "https://a", Role.ENDPOINT)),
        ({"host": "db"}, ("host", "db", Role.ENDPOINT)),
        ({"url": "/orders"}, ("url", "/orders", Role.TEXT)),
        ({"accessKey": "v"}, ("accessKey", "v", Role.SECRET_SLOT)),
        ({"password": 1234}, ("password", "1234", Role.SECRET_SLOT)),
        ({"userName": "v"}, ("userName", "v", Role.IDENTITY)),
        ({"topic": "v"}, ("topic", "v", Role.TEXT)),
        ({"deep": [{"token": "v"}]}, ("token", "v", Role.SECRET_SLOT)),
        ({"payload": '{"password": "v"}', "payloadType": "json"}, ("password", "v", Role.SECRET_SLOT)),
        ({"payload": "$env('A') & 'v'", "payloadType": "jsonata"}, ("payload", "$env('A') & 'v'", Role.CODE)),
        (
            {"rules": [{"t": "set", "p": "apiKey", "pt": "msg", "to": "v", "tot": "str"}]},
            ("apiKey", "v", Role.SECRET_SLOT),
        ),
        (
            {"props": [{"p": "headers.authorization", "v": "v", "vt": "str"}]},
            ("headers.authorization", "v", Role.SECRET_SLOT),
        ),
        (
            {"headers": [{"keyType": "Authorization", "keyValue": "", "valueType": "other", "valueValue": "v"}]},
            ("Authorization", "v", Role.SECRET_SLOT),
        ),
        ({"type_": "function", "func": "code()"}, ("func", "code()", Role.CODE)),
        ({"type_": "exec", "command": "ls"}, ("command", "ls", Role.CODE)),
        ({"type_": "template", "template": "<b>"}, ("template", "<b>", Role.CODE)),
        (
            {"type_": "switch", "property": "token", "rules": [{"t": "eq", "v": "v", "vt": "str"}]},
            ("token", "v", Role.SECRET_SLOT),
        ),
        ({"credentials": {"password": "v"}}, ("password", "v", Role.SECRET_SLOT)),
        (
            {"type_": "subflow:s", "env": [{"name": "TOKEN", "type": "str", "value": "v"}]},
            ("TOKEN", "v", Role.SECRET_SLOT),
        ),
        ({"info": "text"}, ("info", "text", Role.TEXT)),
    ],
)
def test_texts_come_with_their_name_and_role(properties, expected):
    assert expected in of(**properties)


@pytest.mark.parametrize(
    "properties",
    [
        {"url": "${ERP_URL}"},
        {"url": "{{{payload}}}"},
        {"token": "$(TOKEN)"},
        {"p": "payload.token", "pType": "msg"},
        {"p": "TOKEN", "pType": "env"},
        {"rules": [{"t": "set", "to": "TOKEN", "tot": "env"}]},
        {"server": "0123456789abcdef"},
        {"broker": "t1"},
        {"on": True, "size": 3, "none": None},
        {"type_": "subflow:s", "env": [{"name": "TOKEN", "type": "cred", "value": "v"}]},
        {"pType": "str"},
    ],
)
def test_references_expressions_and_layout_are_no_literals(properties):
    assert not {one for one in of(**properties) if one[0] not in {"name", "t"}}


@pytest.mark.parametrize(
    "name", ["password", "clientSecret", "API_KEY", "x-api-key", "authorization", "db.pwd", "accessToken", "sasToken"]
)
def test_names_of_secrets_are_known(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["key", "msgKey", "tokenType", "topic", "keyboard", "passthru", "compass"])
def test_ordinary_names_are_no_secrets(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("name", "is_one"), [("serverUrl", True), ("hostname", True), ("curl", False), ("ship", False)]
)
def test_names_of_endpoints_are_known(name, is_one):
    assert is_endpoint_name(name) is is_one
