"""Real Node-RED keeps the contract: two instances, started by the adapter itself, looked at through their own API."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.app import cache_folder
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched
from lampway.engine.platform import Access
from lampway.errors import PlatformError
from lampway.platforms.nodered.package import build_package
from lampway.platforms.nodered.platform import NodeRed
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.sandbox_contract import SandboxContract

pytestmark = pytest.mark.real

Node = dict[str, Any]
TELL = "msg.payload = {url: env.get('ERP_URL'), key: env.get('KEY')}\nreturn msg"


def tab(label: str) -> Node:
    env = [{"name": "ERP_URL", "type": "str", "value": ""}, {"name": "KEY", "type": "cred", "value": ""}]
    return {"id": f"{label.lower()}-tab", "type": "tab", "label": label, "disabled": False, "info": "", "env": env}


def endpoint(home: Node, name: str, script: str) -> list[Node]:
    """Return three nodes that answer with what a script leaves, at `/orders/answer` for *answer* on *Orders*."""
    place, path = {"z": home["id"], "x": 100, "y": 100}, f"/{home['label'].lower()}/{name}"
    out = {"id": f"{home['id']}-{name}-out", "type": "http response", "name": f"{name} out", **place, "wires": []}
    work = {"id": f"{home['id']}-{name}", "type": "function", "name": name, "func": script, "outputs": 1, **place}
    into = {"id": f"{home['id']}-{name}-in", "type": "http in", "name": f"{name} in", "url": path, "method": "get"}
    return [{**into, **place, "wires": [[work["id"]]]}, {**work, "libs": [], "wires": [[out["id"]]]}, out]


def flows(label: str, version: int = 1) -> list[Node]:
    home = tab(label)
    answer = endpoint(home, "answer", f"msg.payload = 'version {version}'\nreturn msg")
    more = endpoint(home, "news", "return msg") if version == 2 else []
    return [home, *answer, *endpoint(home, "tell", TELL), *more]


class Maker:
    """Builds in the editor, which is to say through the admin API and never through the adapter."""

    def __init__(self, launched: Launched, name: str) -> None:
        self._url = launched.url
        self._token = launched.credentials["token"].reveal()
        self.access = Access(name, launched.url, launched.credentials)
        self.private = ("https://erp.dev.test", "typed-into-orders", "https://billing.dev.test", "typed-into-billing")

    def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Node-RED-API-Version": "v2", "Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        answer = httpx.request(method, self._url + path, headers=headers, timeout=10, **more)
        answer.raise_for_status()
        return answer.json()

    def put(self, nodes: list[Node]) -> None:
        self.ask("POST", "/flows", json={"flows": nodes})

    def nodes(self) -> list[Node]:
        return self.ask("GET", "/flows")["flows"]

    def build(self, version: int) -> None:
        built: list[Node] = []
        for label, number in (("Orders", version), ("Billing", 1)):
            home, *rest = flows(label, number)
            home["env"][0]["value"] = f"https://{'erp' if label == 'Orders' else 'billing'}.dev.test"
            built += [{**home, "credentials": {"KEY": f"typed-into-{label.lower()}"}}, *rest]
        self.put(built)

    def contents(self) -> Mapping[str, object]:
        nodes = sorted(self.nodes(), key=lambda node: node["id"])
        labels = {node["id"]: node["label"] for node in nodes if node["type"] == "tab"}
        grouped: dict[str, list[Node]] = {}
        for node in nodes:
            grouped.setdefault(labels.get(node["id"]) or labels.get(node.get("z", ""), ""), []).append(node)
        return grouped

    def stored(self) -> Mapping[str, object]:
        """Return the secrets as the flows themselves see them; flows that are off see nothing."""
        tabs = {node["label"]: node for node in self.nodes() if node["type"] == "tab"}
        marks = {label: self.ask("GET", f"/credentials/tab/{tab['id']}") for label, tab in tabs.items()}
        return {label: (mark, self._seen(tabs[label])) for label, mark in marks.items() if mark}

    def _seen(self, tab: Node) -> object:
        return None if tab.get("disabled") else self._call(f"/{tab['label'].lower()}/tell").get("key")

    def edit(self) -> str:
        self._change("orders-tab-answer", func="msg.payload = 'edited live'\nreturn msg")
        return "answer"

    def edit_elsewhere(self) -> None:
        self._change("billing-tab-answer", func="msg.payload = 'billed twice'\nreturn msg")

    def move(self) -> bool:
        self._change("orders-tab-answer", x=640, y=480)
        return True

    def change_value(self) -> str:
        (home,) = [node for node in self.nodes() if node["id"] == "orders-tab"]
        env = [{**e, "value": "https://somewhere.else.test"} if e["name"] == "ERP_URL" else e for e in home["env"]]
        self._change("orders-tab", env=env)
        return "ERP_URL"

    def forget_secret(self) -> None:
        """Take the tab away and bring it back: Node-RED keeps no secrets of what is gone."""
        nodes = self.nodes()
        self.put([node for node in nodes if node["id"] != "orders-tab" and node.get("z") != "orders-tab"])
        self.put(nodes)

    def runs(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(self._url + "/orders/answer", timeout=2).status_code == 200
        return False

    def switch_live(self, *, on: bool) -> None:
        self._change("orders-tab", disabled=not on)

    def _change(self, id_: str, **changes: Any) -> None:
        self.put([{**node, **changes} if node["id"] == id_ else node for node in self.nodes()])

    def _call(self, path: str) -> dict[str, Any]:
        """Return what an endpoint answers, once the flows run again."""
        end = time.monotonic() + 5
        while True:
            with suppress(httpx.HTTPError):
                answer = httpx.get(self._url + path, timeout=2)
                if answer.status_code == 200:
                    return answer.json()
            assert time.monotonic() < end, f"{path} does not answer"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Launched, Launched]]:
    platform, folder = NodeRed(), tmp_path_factory.mktemp("node-red")
    started: list[Launched] = []
    try:
        for name, locked in (("dev", False), ("prod", True)):
            started.append(platform.launch(folder / name, name=name, locked=locked, cache=cache_folder()))
        yield started[0], started[1]
    except PlatformError as error:
        reason = f"NO REAL NODE-RED TO TEST WITH: {error} ({error.hint})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    finally:
        for launched in started:
            platform.stop(launched)


class TestNodeRed(PlatformContract):
    @pytest.fixture
    def platform(self) -> NodeRed:
        return NodeRed()

    @pytest.fixture
    def dev(self, places: tuple[Launched, Launched]) -> Maker:
        maker = Maker(places[0], "dev")
        maker.put([])
        return maker

    @pytest.fixture
    def prod(self, places: tuple[Launched, Launched]) -> Maker:
        maker = Maker(places[1], "prod")
        maker.put([])
        return maker

    @pytest.fixture
    def sample(self) -> Sample:
        variables = {"ERP_URL": "https://erp.prod.test"}
        return Sample(Scope("orders", contains=("Orders",)), variables, {"Orders": {"KEY": "orders-key-of-prod"}})

    @pytest.fixture
    def neighbour(self) -> Sample:
        variables = {"ERP_URL": "https://billing.prod.test"}
        return Sample(Scope("billing", contains=("Billing",)), variables, {"Billing": {"KEY": "billing-key-of-prod"}})

    @pytest.fixture
    def lacking(self) -> Lacking:
        home = {**tab("Letters"), "env": []}
        fold = {"id": "fold", "type": "paper-folder", "z": home["id"], "name": "Fold", "x": 1, "y": 1, "wires": []}
        return Lacking(
            build_package([home, fold], Scope("letters", contains=("Letters",)), credential_fields={}), "paper-folder"
        )

    @pytest.fixture
    def saves(self, prod: Maker, places: tuple[Launched, Launched]) -> Callable[[], bool]:
        """Save through the editor's own API: with the session there is, else with a new one, as the editor does."""
        sessions: list[str] = []

        def sign_in() -> str:
            words = {name: secret.reveal() for name, secret in places[1].maker_credentials.items()}
            form = {"client_id": "node-red-admin", "grant_type": "password", "scope": ""}
            form |= {"username": words["user"], "password": words["password"]}
            answer = httpx.post(places[1].url + "/auth/token", data=form, timeout=10)
            sessions.append(answer.raise_for_status().json()["access_token"])
            return sessions[-1]

        def save(token: str) -> bool:
            headers = {"Node-RED-API-Version": "v2", "Authorization": f"Bearer {token}"}
            body = {"flows": prod.nodes()}
            return httpx.post(places[1].url + "/flows", json=body, headers=headers, timeout=10).status_code == 200

        return lambda: any([save(token) for token in sessions] + [save(sign_in())])

    @pytest.fixture
    def strangers(self, prod: Maker) -> Strangers:
        nowhere = Access("nowhere", "http://127.0.0.1:9", prod.access.credentials)
        return Strangers(nowhere, Access("prod", prod.access.url, {"token": Secret("token-of-a-stranger")}))


class TestNodeRedSandboxes(SandboxContract):
    """Node-REDs that come and go."""

    @pytest.fixture
    def platform(self) -> NodeRed:
        return NodeRed()

    @pytest.fixture
    def cache(self, places: tuple[Launched, Launched]) -> Path:
        """Return where Node-RED is installed, which `places` has seen to."""
        del places
        return cache_folder()

    @pytest.fixture
    def sample(self) -> Sample:
        variables = {"ERP_URL": "https://erp.dev.test"}
        return Sample(Scope("orders", contains=("Orders",)), variables, {"Orders": {"KEY": "orders-key-of-dev"}})

    @pytest.fixture
    def package(self) -> bytes:
        return build_package(
            flows("Orders", 1), Scope("orders", contains=("Orders",)), credential_fields={"orders-tab": ("KEY",)}
        )
