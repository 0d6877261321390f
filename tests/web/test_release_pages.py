"""A release's page, its evidence, and what it would change somewhere."""

from __future__ import annotations

import pytest
from served import Served
from visiting import HOSTILE, Visitor

from lampway.app import verify_evidence_file
from lampway.domain.deployment import Evidence
from lampway.engine.picture import ShowChange
from lampway.engine.releaseview import ShowRelease
from lampway.testing.world import App, Part


def test_a_release_shows_what_is_in_it_and_what_proves_it(served: Served) -> None:
    release = served.team.ship("1.19")
    text = Visitor(served, "zoe").look(f"/releases/{release.name}")
    for told in ("Price", "variable ERP_URL", "connection ERP", "smoke in test", "how it was made", release.digest):
        assert told in text
    assert "Runs in test, prod" in text
    assert "what a check came to in test, by the engine" in text


def test_the_evidence_that_is_downloaded_verifies_without_us(served: Served) -> None:
    release = served.team.ship("1.19")
    reply = Visitor(served, "zoe").client.get(f"/releases/{release.name}/evidence")
    assert reply.headers["content-disposition"] == 'attachment; filename="orders-1.0.0.evidence"'
    assert reply.headers["content-type"] == "application/octet-stream"
    verified = verify_evidence_file(reply.content, ("people.yaml", b"people: {}"))
    assert verified
    assert [c for c in verified if not c.holds] == []


def test_what_is_kept_of_evidence_comes_as_a_file_and_never_as_a_page(served: Served) -> None:
    served.team.ship("1.19")
    (evidence, *_) = served.team.find(Evidence)
    zoe = Visitor(served, "zoe")
    assert "has no output" in zoe.look(f"/evidence/{evidence.id}/output", status=404)
    assert "no evidence" in zoe.look("/evidence/nothing/output", status=404)


def test_the_change_is_told_over_every_release_that_was_skipped(served: Served) -> None:
    served.team.ship("1.19")
    served.team.release("1.30", note="first step")
    served.team.release("1.40", note="second step")
    mia = Visitor(served, "mia")
    text = mia.look("/solutions/orders/change/prod?release=orders@1.0.2")
    for told in ("There now 1.0.0", "first step", "second step", "part Price", "does something else"):
        assert told in text
    assert '<g class="node changed"><title>part Price: changed</title>' in mia.last
    assert mia.last.count("<svg") == 2


def test_a_first_deployment_is_all_new(served: Served) -> None:
    release = served.team.release()
    text = Visitor(served, "mia").look(f"/solutions/orders/change/test?release={release.name}")
    assert "There now nothing" in text
    assert "variable CURRENCY is given for the first time" in text
    assert "app Refunds added" in text


def test_no_value_that_an_environment_gives_is_told(served: Served) -> None:
    release = served.team.release()
    view = served.team.run(ShowChange(release.name, "test"), "mia")
    assert "https://erp.test" not in repr(view)
    assert "env:ERP_TEST" not in repr(view)


@pytest.mark.parametrize("path", ["/releases/orders@9.9.9", "/solutions/orders/change/moon", "/releases/x@1.0.0"])
def test_what_is_not_there_is_said(served: Served, path: str) -> None:
    served.team.release()
    Visitor(served, "mia").look(path, status=404)


def test_a_package_full_of_hostile_names_never_becomes_markup(served: Served) -> None:
    served.team.ship("1.19")
    parts = (Part("p1", HOSTILE, "x ${ERP_URL}"), Part("p2", f"*{HOSTILE}*", "y", plugin=""), Part("p9", "</svg>", "z"))
    served.team.dev.draw(App("a1", "Orders", parts, {"ERP_URL": "https://erp.dev"}), by="mia@example.test")
    release = served.team.release(note=HOSTILE)
    promotion = served.team.promote()
    ana = Visitor(served, "ana")
    for path in (f"/releases/{release.name}", f"/solutions/orders/change/prod?release={release.name}"):
        assert "<script>alert(1)</script>" in ana.look(path)
    assert "<script>alert(1)</script>" in ana.look(f"/promotions/{promotion}")
    assert "<script>alert" not in ana.last


def test_reading_gives_the_same_answer_over_the_network(served: Served) -> None:
    release = served.team.ship("1.19")
    for request in (ShowRelease(release.name), ShowChange(release.name, "prod")):
        assert served.remote("ana").run(request) == served.local("ana").run(request)
