"""A real n8n for tests, with a door beside the adapter: a maker at the editor, who knows nothing of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched
from lampway.engine.platform import Access
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.platform import N8n
from lampway.platforms.n8n.sessions import Sessions

Json = dict[str, Any]
SESSIONS = Sessions()
"""One sign-in for all tests: n8n takes five a minute."""
KIND = "httpHeaderAuth"
ALL = ["workflow:create", "credential:create", "credential:delete", "execution:delete", "tag:create", "tag:list"]


def n8n(transport: httpx.BaseTransport | None = None) -> N8n:
    """Return the adapter, as a process has it that runs for long."""
    return N8n(connect=partial(Api, sessions=SESSIONS, transport=transport))


def node(name: str, type_: str, version: float, parameters: Json, **more: Any) -> Json:
    id_ = more.pop("id", name.lower().replace(" ", "-"))
    whole = {"id": id_, "name": name, "type": type_, "typeVersion": version, "position": [0, 0]}
    return {**whole, "parameters": parameters, **more}


def fields(**values: str) -> Json:
    listed = [{"id": name, "name": name, "value": value, "type": "string"} for name, value in values.items()]
    return {"assignments": {"assignments": listed}, "options": {}}


def chain(*names: str) -> Json:
    pairs = itertools.pairwise(names)
    return {a: {"main": [[{"node": b, "type": "main", "index": 0}]]} for a, b in pairs}


def orders(label: str, version: int, url: str, tax: str, credential: str) -> Json:
    """Return a workflow: a webhook, values, a call of another workflow, a signed request, and an answer."""
    hook = node("Hook", "n8n-nodes-base.webhook", 2, {"path": label.lower(), "responseMode": "lastNode"})
    called = {"source": "database", "workflowId": {"__rl": True, "mode": "list", "value": tax}, "options": {}}
    given = "={{ $('Configuration').item.json.ERP_URL }}"
    answer = {"text": f"version {version}", "url": given}
    credentials = {"credentials": {KIND: {"id": credential, "name": "ERP"}}} if credential else {}
    request = {"url": given, "authentication": "genericCredentialType", "genericAuthType": KIND}
    nodes = [
        {**hook, "webhookId": f"hook-of-{label.lower()}"},
        node("Configuration", "n8n-nodes-base.set", 3.4, fields(ERP_URL=url)),
        node("Tax", "n8n-nodes-base.executeWorkflow", 1.2, {**called, "mode": "once"}),
        node("Answer", "n8n-nodes-base.set", 3.4, fields(**answer), position=[400, 0]),
        node("Tell", "n8n-nodes-base.httpRequest", 4.2, {**request, "options": {}}, disabled=False, **credentials),
    ]
    more = [node("News", "n8n-nodes-base.noOp", 1, {})] if version == 2 else []
    wires = chain("Hook", "Configuration", "Tax", "Answer")
    settings = {"executionOrder": "v1", **({"timezone": "Europe/Berlin"} if version == 2 else {})}
    return {"name": label, "nodes": [*nodes, *more], "connections": wires, "settings": settings}


def tax_of(label: str) -> Json:
    """Return the workflow that is called."""
    start = node("Start", "n8n-nodes-base.executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"})
    nodes = [start, node("Rate", "n8n-nodes-base.set", 3.4, fields(rate="0.19"))]
    name = f"{label} tax"
    return {"name": name, "nodes": nodes, "connections": chain("Start", "Rate"), "settings": {"executionOrder": "v1"}}


class Maker:
    """Builds in the editor, which is to say through n8n's own API and never through the adapter."""

    def __init__(self, launched: Launched, name: str) -> None:
        self.launched = launched
        self.folder = Path()
        self.url = launched.url
        self._secret = f"secret-of-{name}-erp"
        self._client = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        self._client.headers["browser-id"] = "maker"
        owner = {name: secret.reveal() for name, secret in launched.credentials.items()}
        body = {"emailOrLdapLoginId": owner["user"], "password": owner["password"]}
        self._client.post(self.url + "/rest/login", json=body).raise_for_status()
        scopes = self._client.get(self.url + "/rest/api-keys/scopes").json()["data"]
        key = {"label": f"maker {time.time()}", "scopes": scopes, "expiresAt": None}
        made = self._client.post(self.url + "/rest/api-keys", json=key).raise_for_status()
        self._key = made.json()["data"]["rawApiKey"]
        self.access = Access(name, launched.url, launched.credentials)
        self.credential = self.make_credential("ERP")

    @property
    def private(self) -> tuple[str, ...]:
        return ("https://erp.dev.test", "https://billing.dev.test", self.credential, self._secret)

    @property
    def key_only(self) -> Access:
        """Return the access without a user and a password."""
        return Access(self.access.environment, self.url, {"token": self.launched.credentials["token"]})

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-N8N-API-KEY": self._key, "Accept": "application/json"}
        answer = self._client.request(method, f"{self.url}/api/v1{path}", headers=headers, **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text[:500])
        return answer.json()

    def key_with(self, *scopes: str) -> Access:
        """Return the access of a key that may do this much."""
        body = {"label": f"some {time.time()}", "scopes": list(scopes), "expiresAt": None}
        made = self._client.post(f"{self.url}/rest/api-keys", json=body).raise_for_status().json()
        return Access("prod", self.url, {"token": Secret(made["data"]["rawApiKey"])})

    def make_credential(self, name: str) -> str:
        data = {"name": "X-Key", "value": self._secret}
        return str(self.ask("POST", "/credentials", json={"name": name, "type": KIND, "data": data})["id"])

    def workflows(self) -> dict[str, Json]:
        return {w["name"]: w for w in self.ask("GET", "/workflows", params={"limit": 250})["data"]}

    def clear(self) -> None:
        """Let nothing be there but credentials."""
        for workflow in self.ask("GET", "/workflows", params={"limit": 250})["data"]:
            self.remove(workflow)

    def remove(self, workflow: Json) -> None:
        if workflow["active"]:
            self.ask("POST", f"/workflows/{workflow['id']}/unpublish", json={})
        end = time.monotonic() + 180
        while True:
            with suppress(AssertionError):
                self.ask("DELETE", f"/workflows/{workflow['id']}")
                return
            assert time.monotonic() < end, f"{workflow['name']} cannot be deleted"
            time.sleep(0.05)

    def put(self, body: Json, *, publish: bool = True) -> str:
        """Save a workflow by its name, and publish it."""
        held = self.workflows().get(body["name"])
        if held is None:
            held = self.ask("POST", "/workflows", json=body)
        else:
            self.ask("PUT", f"/workflows/{held['id']}", params={"publishIfActive": "false"}, json=body)
        if publish:
            self.ask("POST", f"/workflows/{held['id']}/publish", json={})
        return str(held["id"])

    def build(self, version: int) -> None:
        for label, number in (("Orders", version), ("Billing", 1)):
            url = f"https://{'erp' if label == 'Orders' else 'billing'}.dev.test"
            tax = self.put(tax_of(label))
            self.put(orders(label, number, url, tax, self.credential))

    def contents(self) -> Mapping[str, object]:
        kept = ("active", "settings", "nodes", "connections")
        return {
            name: {**{key: w[key] for key in kept}, "runs": [(w["activeVersion"] or {}).get(k) for k in kept[2:]]}
            for name, w in sorted(self.workflows().items())
        }

    def stored(self) -> Mapping[str, object]:
        """Return which credentials are chosen, where any is."""
        found = {
            name: {n["name"]: n["credentials"] for n in w["nodes"] if n.get("credentials")}
            for name, w in self.workflows().items()
        }
        return {name: chosen for name, chosen in found.items() if chosen}

    def edit(self) -> str:
        self.change("Orders", "Answer", parameters=fields(text="edited live", url="no"))
        return "Answer"

    def edit_elsewhere(self) -> None:
        self.change("Billing", "Answer", parameters=fields(text="billed twice", url="no"))

    def move(self) -> bool:
        self.change("Orders", "Answer", position=[640, 480])
        return True

    def change_value(self) -> str:
        self.change("Orders", "Configuration", parameters=fields(ERP_URL="https://somewhere.else.test"))
        return "ERP_URL"

    def forget_secret(self) -> None:
        self.change("Orders", "Tell", credentials={})

    def runs(self) -> bool:
        return self.is_answered("orders")

    def is_answered(self, path: str) -> bool:
        with suppress(httpx.HTTPError):
            return self._client.get(f"{self.url}/webhook/{path}", timeout=5).status_code == 200
        return False

    def switch_live(self, *, on: bool) -> None:
        for name in ("Orders tax", "Orders"):
            id_ = self.workflows()[name]["id"]
            self.ask("POST", f"/workflows/{id_}/{'publish' if on else 'unpublish'}", json={})

    def change(self, workflow: str, name: str, *, publish: bool = True, **changes: Any) -> None:
        """Change a node as somebody at the editor does."""
        held = self.workflows()[workflow]
        nodes = [{**one, **changes} if one["name"] == name else one for one in held["nodes"]]
        body = {"name": held["name"], "nodes": nodes, "connections": held["connections"], "settings": held["settings"]}
        self.put(body, publish=publish)

    def answer(self, expected: str, path: str = "orders") -> Json:
        """Return what the webhook answers, which must be what is expected at the first call."""
        told = self._client.get(f"{self.url}/webhook/{path}", timeout=30)
        assert told.status_code == 200, told.text[:300]
        assert told.json()["text"] == expected, told.text
        return dict(told.json())


def stranger(maker: Maker) -> Access:
    return Access(maker.access.environment, maker.url, {"token": Secret("key-of-a-stranger")})
