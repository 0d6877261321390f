"""Every route, asked by every shipped role, about what is one's own and what is not: open or closed as is written."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from served import Served, edit_for_real

from lampway.domain.roles import SHIPPED, permission
from lampway.domain.strategy import Person
from lampway.engine.permissions import _JUDGED_INSIDE
from lampway.engine.ports import Author
from lampway.web.routes import ROUTES, Route

_OWN, _OTHER = "orders", "billing"
_ROLES = [*SHIPPED, ""]
"""The shipped roles, and somebody who holds none."""
_BYSTANDERS = tuple(
    Person(f"other-{role}", f"Other {role}", (f"other-{role}@example.test",), (role,)) for role in SHIPPED
)
"""Somebody else holds each role, so that nobody may do something only because nobody else can."""


def _values(solution: str) -> dict[str, Any]:
    return {
        "solution": solution,
        "release": f"{solution}@9.9.9",
        "old": f"{solution}@9.9.8",
        "new": f"{solution}@9.9.9",
        "environment": "test",
        "to": "test",
        "until": "2026-12-31",
        "since": "2026-01-01",
        "start": "2026-02-01",
        "on": "2026-02-01",
        "could": "approve",
        "reply": "yes",
        "digest": "sha256:" + "0" * 64,
        "url": "memory://dev",
        "answers": ["one=yes"],
        "length": 3600,
        "approved": True,
        "accepted": True,
        "happened": True,
        "is_question": True,
    }


def _ask(client: httpx.Client, route: Route, solution: str) -> Any:
    """Ask for it with everything that it needs, about this solution where it is about one."""
    kind: Any = route.request
    known = _values(solution)
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    about = [name for name in ("solution",) if name in {f.name for f in fields(kind)}]
    given = {name: known.get(name, "nothing") for name in {*needed, *about, *route.in_path}}
    path = route.path
    for name in route.in_path:
        path = path.replace(f"{{{name}}}", quote(str(given.pop(name)), safe="@"))
    return client.get(path, params=given) if route.method == "GET" else client.post(path, json=given)


@pytest.mark.parametrize("role", _ROLES)
@pytest.mark.timeout(900)
def test_every_route_is_open_to_a_role_or_closed_as_the_table_says(served: Served, role: str) -> None:
    me = Person("me", "Me", ("me@example.test",), (role,) if role else ())
    rules = served.team.rules
    solutions = tuple(replace(s, owner="me" if s.name == _OWN else "max") for s in rules.solutions)
    assert {s.name for s in solutions} == {_OWN, _OTHER}
    served.team.govern(
        replace(rules, people=(*rules.people, me, *_BYSTANDERS), roles=tuple(SHIPPED), solutions=solutions)
    )
    edit_for_real(served)
    client, wrong = served.client(served.token("me")), []
    for route in ROUTES:
        needed = permission(route.request.__name__)
        is_judged = needed is not None and bool(needed.roles) and needed.request not in _JUDGED_INSIDE
        is_open = not is_judged or needed is None or role in needed.roles
        for solution in (_OWN, _OTHER):
            told = _ask(client, route, solution)
            is_closed = told.status_code == 403 and "takes one of the roles" in told.text
            if is_closed is is_open or told.status_code >= 500:
                wrong.append(f"{route.request.__name__} about {solution}: {told.status_code} {told.text[:200]}")
    assert not wrong, "\n".join(wrong)


def test_what_is_judged_inside_is_refused_as_the_table_says(served: Served) -> None:
    for name in _JUDGED_INSIDE:
        assert permission(name) is not None
    rules = served.team.rules
    served.team.rules = replace(rules, next_review="2028-01-01")
    files = {"lampway.yaml": served.team.desk.write(served.team.rules)}
    served.team.source.commit(files, Author("Mia", "mia@example.test"))
    told = served.client(served.token("zoe")).post("/strategy/apply", json={})
    assert told.status_code == 409
    assert "no platform-admin" in told.json()["detail"]
    assert served.client(served.token("pam")).post("/strategy/apply", json={}).status_code == 200


@pytest.mark.parametrize(
    ("person", "status"),
    [("mia", 200), ("max", 409), ("pam", 409), ("ana", 409), ("zoe", 409)],
)
def test_only_its_owner_says_that_a_solution_is_still_needed(served: Served, person: str, status: int) -> None:
    served.team.ship("1.19")
    told = served.client(served.token(person)).post("/solutions/orders/recertify", json={})
    assert told.status_code == status, told.text


@pytest.mark.parametrize(("person", "status"), [("mia", 200), ("max", 403), ("ana", 403), ("zoe", 403), ("pam", 200)])
def test_a_token_is_revoked_by_whose_it_is_and_by_whoever_manages_the_platform(
    served: Served, person: str, status: int
) -> None:
    lost = served.token("mia")
    told = served.client(served.token(person)).post(f"/tokens/{lost.split('_')[1]}/revoke", json={"reason": "lost"})
    assert told.status_code == status, told.text


@pytest.mark.parametrize(("person", "sees"), [("mia", {"mia"}), ("zoe", {"zoe"}), ("pam", {"mia", "zoe", "pam"})])
def test_tokens_are_shown_to_whose_they_are(served: Served, person: str, sees: set[str]) -> None:
    for name in ("mia", "zoe"):
        served.token(name)
    told = served.client(served.token(person)).get("/tokens").json()
    assert {token["person"] for token in told["data"]} == sees


@pytest.mark.parametrize(("person", "counts"), [("ana", True), ("mia", False), ("max", True), ("rita", False)])
def test_a_decision_about_a_promotion_counts_from_whoever_may_take_it(
    served: Served, person: str, counts: bool
) -> None:
    served.team.release("1.19")
    promotion = served.team.promote()
    told = served.client(served.token(person)).post(f"/promotions/{promotion}/decision", json={"approved": True})
    assert (told.status_code == 200) is counts, told.text
    assert bool(served.team.running("prod")) is counts
