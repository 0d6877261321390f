"""Nobody is shown what they may not do, and what they may do is shown: every page, as every role, every form sent.

Each form that is offered to anybody is sent by everybody, to a server whose store takes nothing back out of a request:
it judges as always, and forgets what it would have recorded. Whoever was offered the form is not refused, and whoever
was not is.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from governing import RULES, governed, work
from served import SECONDS, Served, serving, serving_team
from team import PROD_GATES, Team
from test_attesting import with_uat
from test_people import with_stage
from test_unlocking import HOUR, unlockable

from lampway.domain.duties import ChecklistItem
from lampway.domain.invitations import Invitation, via_invitation
from lampway.domain.promotion import Promotion
from lampway.domain.roles import SHIPPED
from lampway.domain.strategy import GateRule, Person, Strategy
from lampway.engine.certify import Recertify
from lampway.engine.delegate import Delegate
from lampway.engine.drift import ScanDrift
from lampway.engine.invitations import Invite
from lampway.engine.promote import Promote
from lampway.engine.retire import Retire
from lampway.engine.tokens import IssueToken
from lampway.engine.unlock import Unlock
from lampway.errors import StorageError
from lampway.testing.world import Fault
from lampway.web.api import build_api
from lampway.web.pages import PAGES
from lampway.web.visits import NEVER_PROVED, open_session

_FILES = ("/export", "/evidence", "/progress", "/events", "/document")
_UNDONE = "judged, and not recorded"
_NEW = (
    Person("own-tester", "Own Tester", ("own-tester@example.test",), ("tester",)),
    Person("own-solution-owner", "Own Solution-Owner", ("own-solution-owner@example.test",), ("solution-owner",)),
    Person("own-auditor", "Own Auditor", ("own-auditor@example.test",), ("auditor",)),
    Person("pat", "Pat", ("pat@example.test",), ("platform-admin",)),
)
"""Beside Mia (maker), Max (maker, approver), Ana, Bob (approvers), Rita (release manager), Pam (admin), Zoe (none)."""
_ITEMS = (
    ChecklistItem("told", "Were the users told?", "release-manager"),
    ChecklistItem("asked", "Was the owner asked?", "approver"),
)
_NOT_YET = re.compile("nothing changed|answered by evidence|already|no drift|settles nothing|cannot be back-ported")
"""What is refused for what there is, and not for who asks."""


_USUAL = {
    "/audit/verify",
    "/delegations",
    "/delegations/*/end",
    "/environments/*/lock",
    "/people/invitations",
    "/people/invitations/*/revoke",
    "/promotions/*/abort",
    "/promotions/*/checklist",
    "/promotions/*/decide",
    "/promotions/*/talk",
    "/promotions/*/waive",
    "/readiness/*",
    "/recertification/*",
    "/solutions/*/release",
    "/solutions/*/rollback/*",
    "/solutions/*/test/*/*",
    "/tokens",
    "/tokens/*/revoke",
}
_ENDING = {
    "/environments/*/review",
    "/promotions/*/again",
    "/recertification/*",
    "/solutions/*/drift",
    "/solutions/*/promote",
}
"""The forms that each story brings about: all that there are, but for those that take a device."""


class Forgetful:
    """A store that judges and forgets: a transaction in which something was recorded comes to nothing."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Yield a transaction. Raises StorageError at its end where something was recorded in it."""
        with self._store.transaction() as real:
            proxy = _Noticed(real)
            yield proxy
            if proxy.noticed:
                raise StorageError(_UNDONE)

    def __getattr__(self, name: str) -> Any:
        """Return whatever else a store has."""
        return getattr(self._store, name)


class _Noticed:
    def __init__(self, real: Any) -> None:
        self._real = real
        self.noticed = False

    def append(self, *given: Any) -> Any:
        self.noticed = True
        return self._real.append(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@dataclass
class Offer:
    """A form that somebody is offered: where it goes, with which button, and what is in it."""

    action: str
    button: tuple[str, str] = ("", "")
    fields: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    """Names of the fields that take files."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others, whoever sees it."""
        about = {name: self.fields[name] for name in ("environment", "gate", "to") if name in self.fields}
        return self.action, "=".join(self.button), repr(about)


class Forms(HTMLParser):
    """Collects the forms of a page that change something, filled in as anybody could, and the ways to other pages."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.offers: list[Offer] = []
        self.links: set[str] = set()
        self._form: dict[str, str] | None = None
        self._action = ""
        self._buttons: list[tuple[str, str]] = []
        self._files: list[str] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a form, a field, a button or a link."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.add(given["href"].partition("#")[0])
        is_sent = given.get("method") == "post" and given.get("action") != "/sign-out" and "data-passkey" not in given
        if tag == "form" and is_sent:
            self._form, self._action, self._buttons, self._files = {}, given["action"], [], []
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "input" and given.get("type") == "file":
            self._files.append(name)
        elif tag == "input" and name:
            usual = {"date": "2026-06-30", "checkbox": given.get("value", "on"), "text": "because"}
            self._form[name] = given.get("value", "") or usual.get(given.get("type", "text"), "")
        elif tag == "textarea":
            self._form[name] = "because"
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and given.get("value", "mia"):
            self._form.setdefault(self._select, given.get("value", ""))
        elif tag == "button":
            self._buttons.append((name, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        """Take an option that has no value of its own."""
        if self._form is not None and self._select and self._form.get(self._select) == "" and data.strip():
            self._form[self._select] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        """End a field, or a form: an offer for each of its buttons."""
        if tag == "select":
            self._select = ""
        elif tag == "form" and self._form is not None:
            self.offers += [
                Offer(self._action, button, dict(self._form), tuple(self._files)) for button in self._buttons
            ]
            self._form = None


class Walker:
    """One person in a browser, who looks at every page there is a way to."""

    def __init__(self, team: Team, url: str, person: str, via: str = "test") -> None:
        session = open_session(team.engine, person, via, proved_at="" if via == "test" else NEVER_PROVED)
        self.client = httpx.Client(base_url=url, timeout=SECONDS, cookies={"lampway": session})
        self.offers: dict[tuple[str, str, str], Offer] = {}
        self.ways: set[str] = set()
        self.seen: set[str] = set()
        self.key = ""

    def walk(self, also: tuple[str, ...], *, follow: bool) -> None:
        """Look at these pages, and at every page that pages lead to where that is wished; note what is offered."""
        open_ = {*also}
        while open_:
            path = open_.pop()
            plain = path.partition("?")[0]
            if path in self.seen or plain.endswith(_FILES) or plain.startswith(("/evidence/", "/static")):
                continue
            self.seen.add(path)
            told = self.client.get(path)
            if told.status_code != 200:
                assert path in also or path.endswith("/billing/release"), f"a way leads to {path}: {told.status_code}"
                continue
            page = Forms()
            page.feed(told.text)
            open_ |= page.links if follow else set()
            main = Forms()
            main.feed(told.text.partition("<main")[2])
            self.ways |= main.links
            for offer in main.offers:
                self.key = offer.fields.get("form_key", self.key)
                self.offers.setdefault(offer.key, offer)
        self.key = self.key or re.findall(r'name="form_key" value="([0-9a-f]+)"', self.client.get("/inbox").text)[0]

    def send(self, offer: Offer) -> str:
        """Send a form as this person; return why it is refused to them, empty where it is not."""
        name, value = offer.button
        data = {**offer.fields, "form_key": self.key, "once": f"once-{id(self)}-{offer.key}"}
        files = dict.fromkeys(offer.files, ("seen.txt", b"what was seen", "text/plain")) or None
        told = self.client.post(offer.action, data={**data, **({name: value} if name else {})}, files=files)
        if told.headers.get("location", "").startswith("/sign-in"):
            return "it takes another proof of who they are"
        refused = re.search(r'class="error" role="alert"><p>(.*?)</p>', told.text, re.DOTALL)
        why = re.sub(r"<[^>]+>", "", refused[1]) if refused else ""
        if told.status_code in {200, 201, 303} or _UNDONE in why:
            return ""
        return f"{told.status_code} {why}"


@pytest.fixture
def team_served(tmp_path: Path) -> Iterator[Served]:
    """Return a team with somebody for each shipped role."""
    with serving_team(tmp_path) as made:
        rules = made.team.rules
        made.team.govern(_owned(replace(rules, people=(*rules.people, *_NEW), roles=tuple(SHIPPED))))
        yield made


def deciding(team: Team) -> None:
    """Let something wait for a test, an exception, answers and an approval; and a voice and a token be lent."""
    gates = (*PROD_GATES[:-1], GateRule("checklist"), PROD_GATES[-1])
    rules = with_stage(with_uat(team.rules), gates=gates, checklist=_ITEMS, waiver_roles=("release-manager",))
    team.govern(rules)
    team.release("1.19")
    team.promote()
    team.run(IssueToken(name="nightly", digest="sha256:" + "0" * 64, until="2026-06-30"), "ana")
    team.run(Delegate("bob", "2026-01-05", "2026-06-30", "away"), "ana")
    for number, person in enumerate(("mia", "pat")):
        team.run(Invite(person=person, digest=f"sha256:{number:064x}"), "pam")


def troubled(team: Team) -> None:
    """Let nobody know what became of a deployment, and somebody be asked to confirm an unlocking."""
    team.ship("1.19")
    unlockable(team)
    team.run(Unlock("prod", "the warehouse stands still", HOUR, second="ana"), "rita")
    team.release("1.30")
    team.test.fail(Fault.HALF)
    team.do(Promote("orders", "test"))


def ending(team: Team) -> None:
    """Let a deployment have failed, something be edited live, an unlocking wait for a review, and a campaign ask."""
    team.ship("1.19")
    team.release("1.30")
    team.test.fail(Fault.REFUSED)
    team.do(Promote("orders", "test"))
    team.prod.edit("p1", does="something by hand")
    team.run(ScanDrift(), "rita")
    unlockable(team)
    team.run(Unlock("prod", "the warehouse stands still", HOUR), "rita")
    team.govern(_owned(governed(team.rules, RULES)))
    team.clock.move(days=40)
    work(team)


def _owned(rules: Strategy) -> Strategy:
    orders = replace(rules.solutions[0], owner="own-solution-owner")
    return replace(rules, solutions=(orders, *rules.solutions[1:]))


def retiring(team: Team) -> None:
    """Let an end wait for somebody to agree."""
    team.ship("1.19")
    team.govern(_owned(governed(team.rules, None)))
    team.run(Recertify("orders"), "own-solution-owner")
    team.run(Retire("orders", "nobody needs it"), "mia")


def answered(team: Team) -> None:
    """Let an owner have answered, and a reviewer be asked whether that counts."""
    team.ship("1.19")
    team.govern(_owned(governed(team.rules, replace(RULES, reviewer="release-manager"))))
    team.clock.move(days=40)
    work(team)
    team.run(Recertify("orders", purpose="takes orders", users="the desk", data_class="internal"), "own-solution-owner")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("fill", "about", "reached"),
    [
        (deciding, "", _USUAL),
        (troubled, "/promotions/|/environments/prod", {"/promotions/*/reconcile", "/environments/*/confirm"}),
        (ending, "/promotions/|/environments/prod|/recertification/|/solutions/orders", _ENDING),
        (retiring, "/recertification", {"/recertification/*/retire"}),
        (answered, "/recertification", {"/recertification/*/review"}),
    ],
)
def test_what_is_offered_is_not_refused_and_what_is_not_offered_is(
    team_served: Served, tmp_path: Path, fill: Callable[[Team], None], about: str, reached: set[str]
) -> None:
    team = team_served.team
    fill(team)
    engine = replace(team.engine, store=Forgetful(team.engine.store))
    with ExitStack() as stack:
        url = stack.enter_context(serving(build_api(tmp_path, engine)))
        walkers = {person.id: Walker(team, url, person.id) for person in team.rules.people}
        walkers |= {f"{one.person}, invited": _invited(team, url, one) for one in team.find(Invitation)}
        for walker in walkers.values():
            stack.callback(walker.client.close)
            walker.walk(tuple(path for path in _paths(team) if re.search(about, path)), follow=not about)
        found = {key: offer for walker in walkers.values() for key, offer in walker.offers.items()}
        everything = {key: offer for key, offer in found.items() if re.search(about, offer.action)}
        wrong, asked = [], defaultdict(set)
        for (person, walker), (key, offer) in itertools.product(walkers.items(), _few(everything)):
            is_offered = key in walker.offers
            why = walker.send(walker.offers.get(key, offer))
            asked[_route(offer.action)].add(is_offered)
            if is_offered and why and not _NOT_YET.search(why):
                wrong.append(f"{person} is offered {key}, and refused: {why}")
            if not is_offered and not why:
                wrong.append(f"{person} may {key}, and is not offered it")
    assert not wrong, "\n".join(wrong)
    assert reached <= asked.keys(), sorted(reached - asked.keys())


def _invited(team: Team, url: str, invitation: Invitation) -> Walker:
    return Walker(team, url, invitation.person, via_invitation(invitation.id))


def _few(offers: dict[tuple[str, str, str], Offer]) -> list[tuple[tuple[str, str, str], Offer]]:
    """Return offers, of the readiness checklist only some: its items are many and alike."""
    items = sorted(key for key in offers if key[0].startswith("/readiness/"))
    return [(key, offer) for key, offer in offers.items() if key not in items[3:]]


def _route(action: str) -> str:
    """Return the pattern of a form's address."""
    patterns = [name for name in PAGES if name.startswith("POST ")]
    fits = [p for p in patterns if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p[5:]), action)]
    return re.sub(r"\{\w+\}", "*", fits[0][5:]) if fits else action


def _paths(team: Team) -> Iterator[str]:
    """Yield the address of every page there could be, also those that nothing leads to."""
    promotions = [p.id for p in team.find(Promotion)]
    names = {
        "solution": ["orders"],
        "environment": ["dev", "test", "prod"],
        "to": ["test", "prod"],
        "check": ["walk-through"],
        "release": ["orders@1.0.0"],
        "promotion": promotions,
    }
    for name in PAGES:
        if not name.startswith("GET "):
            continue
        found = [name[4:]]
        for part in re.findall(r"\{(\w+)\}", name):
            found = [path.replace(f"{{{part}}}", value) for path in found for value in names.get(part, ["nothing"])]
        yield from found


def test_every_form_of_the_console_is_part_of_a_story() -> None:
    stories = {*_USUAL, *_ENDING, "/promotions/*/reconcile", "/environments/*/confirm", "/recertification/*/retire"}
    stories.add("/recertification/*/review")
    forms = {re.sub(r"\{\w+\}", "*", name[5:]) for name in PAGES if name.startswith("POST ")}
    assert forms - stories == {"/passkeys", "/passkeys/*/remove"}
