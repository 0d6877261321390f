"""Somebody who looks at pages and sends forms, without a script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
from served import SECONDS, Served

from lampway.web.visits import make_code

HOSTILE = "<script>alert(1)</script>\"onload='x"
"""A name that must never become markup."""


@dataclass
class Reader(HTMLParser):
    """Collects what a browser would make of a page: tags with their attributes, and its text."""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.text += " " if tag not in {"em", "strong"} else ""

    def handle_data(self, data: str) -> None:
        self.text += data


class Visitor:
    """One person in a browser."""

    def __init__(self, served: Served, person: str) -> None:
        self.client = httpx.Client(base_url=served.url, timeout=SECONDS, follow_redirects=True)
        served._opened.append(self.client)
        self._served = served
        code = make_code(served.team.engine, person, "test")
        assert self.client.post("/sign-in", data={"code": code}).status_code == 200
        self.last = ""

    def look(self, path: str, status: int = 200) -> str:
        """Return the text of a page that is sound: no foreign script, no handler, every field labelled."""
        return self._read(self.client.get(path), status)

    def send(self, path: str, status: int = 200, **fields: str) -> str:
        """Send a form of the page that was seen last, and return the text of what comes."""
        (key,) = set(re.findall(r'name="form_key" value="([0-9a-f]+)"', self.last))
        told = self.client.post(path, data={"form_key": key, **fields})
        self._served.rest()
        return self._read(told, status)

    def hidden(self, name: str) -> str:
        """Return a hidden field of the page that was seen last."""
        found = [a["value"] for tag, a in self._parse().tags if tag == "input" and a.get("name") == name]
        return found[0]

    def _parse(self) -> Reader:
        reader = Reader()
        reader.feed(self.last)
        return reader

    def _read(self, reply: httpx.Response, status: int) -> str:
        self.last, self.url = reply.text, reply.url.path
        page = self._parse()
        assert reply.status_code == status, page.text
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert all(s.keys() <= {"src", "defer"} and s["src"].startswith("/static/") for s in scripts)
        assert not [a for _, given in page.tags for a in given if a.startswith("on") or a == "style"]
        labels = {a["for"] for tag, a in page.tags if tag == "label" and "for" in a}
        fields = [a for tag, a in page.tags if tag in {"input", "select", "textarea"}]
        shown = [a for a in fields if a.get("type") not in {"hidden", "radio", "checkbox"}]
        assert all(a.get("id") in labels or a.get("aria-label") for a in shown), shown
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids)), ids
        return " ".join(page.text.split())
