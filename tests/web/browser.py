"""A browser without a screen: cookies, forms with their keys, and a passkey in software."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from authenticator import Device
from served import SECONDS, Served

from lampway.integrations.passkeys import to_base64url
from lampway.web.visits import make_code

_KEY = re.compile(r'name="form_key" value="([0-9a-f]+)"')


@dataclass
class Browser:
    """One person's browser."""

    served: Served
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open it."""
        self.client = httpx.Client(base_url=self.url, timeout=SECONDS)
        self.served._opened.append(self.client)

    @property
    def url(self) -> str:
        """Return where the server is, under a name: passkeys are for no numbers."""
        return self.served.url.replace("127.0.0.1", "localhost")

    def sign_in(self, person: str) -> Browser:
        """Sign in with a link."""
        told = self.post("/sign-in", code=make_code(self.served.team.engine, person, "link, test"))
        assert told.status_code == 303, told.text
        return self

    def get(self, path: str) -> httpx.Response:
        """Look at a page."""
        return self.client.get(path)

    def post(self, path: str, /, **form: str) -> httpx.Response:
        """Send a form."""
        told = self.client.post(path, data=form, headers={"Origin": self.url})
        self.served.rest()
        return told

    def send(self, path: str, /, **form: str) -> httpx.Response:
        """Send a form with the key that every form of this person carries."""
        return self.post(path, form_key=self.form_key(), **form)

    def form_key(self) -> str:
        """Return the key in this person's forms."""
        found = _KEY.search(self.get("/inbox").text)
        assert found is not None
        return found[1]

    def device(self) -> Device:
        """Return a passkey for this address, registered nowhere yet."""
        return Device(origin=self.url)

    def register(self, device: Device, **more: str) -> httpx.Response:
        """Register a passkey as the page does."""
        challenge = self.attribute(self.get("/passkeys").text, "data-challenge")
        made = device.answer(challenge, "webauthn.create")
        return self.send("/passkeys", **{"name": "laptop", **answer(device, made, b""), **more})

    def challenge(self) -> str:
        """Ask for something to sign in with."""
        return str(self.client.post("/sign-in/challenge", headers={"Origin": self.url}).json()["challenge"])

    def sign_in_with(self, device: Device, challenge: str = "") -> httpx.Response:
        """Sign in with a passkey."""
        made = device.answer(challenge or self.challenge())
        return self.post("/sign-in", **answer(device, made, device.sign(made)))

    @staticmethod
    def attribute(page: str, name: str) -> str:
        """Return an attribute of something on a page."""
        found = re.search(rf'{name}="([^"]*)"', page)
        assert found is not None, page
        return found[1]


def answer(device: Device, made: Any, signature: bytes) -> dict[str, str]:
    """Return a device's answer as fields of a form."""
    return {
        "credential": to_base64url(device.credential),
        "authenticator_data": to_base64url(made.authenticator_data),
        "client_data": to_base64url(made.client_data),
        "signature": to_base64url(signature),
    }
