"""A real runtime for tests, with a door beside the adapter."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lampway.engine.abilities import Launched
from lampway.engine.platform import Access

ONCE = httpx.Limits(max_keepalive_connections=0)  # nothing stays open that somebody would have to close


@dataclass
class Place:
    """One runtime, with a door beside the adapter."""

    launched: Launched
    folder: Path
    client: httpx.Client = field(
        default_factory=lambda: httpx.Client(verify=False, timeout=10, limits=ONCE), repr=False
    )

    @property
    def access(self) -> Access:
        return Access("prod", self.launched.url, self.launched.credentials)

    @property
    def maker(self) -> Access:
        return Access("prod", self.launched.url, self.launched.maker_credentials)

    def outside(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Node-RED-API-Version": "v2", "Accept": "application/json", **more.pop("headers", {})}
        headers.setdefault("Authorization", f"Bearer {self.launched.credentials['token'].reveal()}")
        return self.client.request(method, self.launched.url + path, headers=headers, **more)

    def flows(self) -> list[dict[str, Any]]:
        return self.outside("GET", "/flows").json()["flows"]

    def revision(self) -> str:
        return self.outside("GET", "/flows").json()["rev"]

    def put(self, nodes: list[dict[str, Any]]) -> None:
        """Deploy behind the adapter's back, as an editor does."""
        answer = self.outside("POST", "/flows", json={"flows": nodes}, headers={"Node-RED-Deployment-Type": "full"})
        assert answer.status_code == 200, answer.text

    def edit(self, id_: str, **changes: Any) -> None:
        self.put([{**node, **changes} if node["id"] == id_ else node for node in self.flows()])

    def call(self, path: str, status: int = 200) -> Any:
        """Return what an endpoint answers, once it answers with `status`."""
        end = time.monotonic() + 5
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.client.get(self.launched.url + path, timeout=2)
                if answer.status_code == status:
                    return answer.json() if status == 200 else None
            assert time.monotonic() < end, f"{path} does not answer with {status}"
            time.sleep(0.02)

    def admin_headers(self, user: str, password: str) -> dict[str, str]:
        form = {"client_id": "node-red-admin", "grant_type": "password", "scope": "", "username": user}
        answer = self.client.post(f"{self.launched.url}/auth/token", data={**form, "password": password})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
