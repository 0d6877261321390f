"""Values that dev left in are taken out before a package is sealed, and everybody can see that and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from team import Team
from test_evidence import PEOPLE, TOOLS, faults, forge

from lampway.domain.digest import digest_bytes
from lampway.domain.events import Actor
from lampway.domain.package import Scope
from lampway.domain.release import Release
from lampway.domain.transformation import Form, TransformationKind
from lampway.engine.dossier import Trusted
from lampway.engine.evidence import ExportEvidence
from lampway.engine.hotfix import StartHotfix
from lampway.engine.hotfixed import FinishHotfix
from lampway.engine.platform import Access, Export
from lampway.engine.preview import PreviewRelease
from lampway.engine.release import MakeRelease, make_release
from lampway.engine.releaseview import ShowRelease
from lampway.engine.verify import verify_evidence
from lampway.errors import RefusedError, UsageError
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import MemoryFormat
from lampway.testing.solutions import Solution, compose, flow
from lampway.testing.world import App, Part

DEV = "https://erp.dev/secret-path"
MIA = Actor("mia", "test", name="Mia")
PLACES = ("app Orders / part Fetch / does", "app Orders / part Price / does")


def leave(team: Team, price: str = "1.19", *, also: str = "") -> None:
    """Let a maker save orders in dev, so that dev leaves two of its values in."""
    parts = (
        Part("p1", "Fetch", f"get ${{ERP_URL:{DEV}}}", account="ERP"),
        Part("p2", "Price", f"times {price} for ${{ERP_URL:{DEV}}} in ${{CURRENCY:DEM-of-dev}}{also}"),
    )
    values = {"ERP_URL": "https://erp.dev", "CURRENCY": "DEM"}
    team.dev.draw(App("a1", "Orders", parts, values, {"ERP": "erp-password-of-dev"}), by="mia@example.test")


def blank(team: Team, **more: Any) -> Release:
    made = team.run(MakeRelease("orders", blank_defaults=True, **more))
    assert made.release is not None
    return made.release


@pytest.fixture
def left(team: Team) -> Team:
    leave(team)
    return team


def test_a_release_that_holds_values_of_dev_is_refused_with_what_takes_them_out(left: Team) -> None:
    with pytest.raises(RefusedError, match="2 hardcoded values") as caught:
        left.run(MakeRelease("orders"))
    assert "release with --blank-defaults takes them out" in caught.value.hint
    assert left.find(Release) == ()


def test_what_cannot_be_taken_out_is_still_to_be_mended(team: Team) -> None:
    leave(team, also=" hardcoded endpoint")
    team.dev.edit("p3", does="hardcoded secret")
    with pytest.raises(RefusedError, match="3 hardcoded values") as caught:
        team.run(MakeRelease("orders"))
    assert "takes 2 of them out" in caught.value.hint
    with pytest.raises(RefusedError, match="2 hardcoded values") as caught:
        blank(team)
    assert "--blank-defaults" not in caught.value.hint
    assert team.find(Release) == ()


def test_what_is_sealed_is_without_them_in_package_source_and_every_record(left: Team) -> None:
    release = blank(left)
    package = left.packages.get(release.package.digest)
    source = left.source.files_at(release.commit, ["solutions/orders/src"])
    for text in (package, *source.values(), *left.packages.kept.values()):
        assert b"secret-path" not in text
        assert b"DEM-of-dev" not in text
    assert "secret-path" not in repr(list(left.store.events()))
    assert release.findings == ()


def test_the_record_says_what_was_done_to_which_bytes_and_where(left: Team) -> None:
    (done,) = blank(left).transformations
    assert (done.kind, done.form) == (TransformationKind.BLANK_DEFAULTS, Form.PACKAGE)
    assert [(b.place, b.name) for b in done.blanked] == [
        (PLACES[0], "ERP_URL"),
        (PLACES[1], "ERP_URL"),
        (PLACES[1], "CURRENCY"),
    ]
    (sealed,) = left.find(Release)
    assert done.after == sealed.package.digest
    platform = left.engine.platform("memory")
    stamped = platform.format.stamp(_exported(left), "1.0.0")
    assert done.before == digest_bytes(stamped)
    assert digest_bytes(MemoryFormat().blank(stamped).package) == done.after, "anybody who has it can do it again"


def _exported(team: Team) -> bytes:
    from lampway.engine.context import access_to
    from lampway.engine.release import scopes

    known = scopes(team.rules)
    access = access_to(team.engine, team.rules.environment("dev"))
    return team.platform.export(access, known["orders"], known).package


def test_it_is_one_with_the_release_that_everybody_decides_about(left: Team) -> None:
    release = blank(left)
    without = replace(release, transformations=())
    elsewhere = replace(release, transformations=(replace(release.transformations[0], before="sha256:" + "0" * 64),))
    assert len({release.digest, without.digest, elsewhere.digest}) == 3


def test_a_release_that_was_not_edited_says_nothing_of_it(team: Team) -> None:
    made = team.run(MakeRelease("orders", blank_defaults=True))
    assert made.release.transformations == ()
    assert any("nothing was taken out" in note for note in made.notes)
    assert "transformations" not in _provenance(team, made.release)


def _provenance(team: Team, release: Release) -> dict[str, Any]:
    from lampway.domain.attestation import PROVENANCE, Attestation, read_statement

    (one,) = [a for a in team.find(Attestation) if a.predicate == PROVENANCE and a.release == release.digest]
    said = read_statement(team.notary.open(one.envelope).payload).predicate
    told = said["buildDefinition"]["internalParameters"]
    assert isinstance(told, dict)
    return told


def test_the_provenance_that_is_signed_says_it(left: Team) -> None:
    release = blank(left)
    (done,) = release.transformations
    (told,) = _provenance(left, release)["transformations"]
    assert told["kind"] == "blank-defaults"
    assert told["after"] == {"sha256": release.package.digest.removeprefix("sha256:")}
    assert told["before"] == {"sha256": done.before.removeprefix("sha256:")}
    assert [b["place"] for b in told["blanked"]] == [b.place for b in done.blanked]


def test_a_long_list_is_cut_in_the_statement_and_whole_in_the_release(team: Team) -> None:
    from lampway.domain.attestation import LARGEST, provenance

    parts = tuple(Part(f"p{n}", f"Part {n} {'x' * 200}", f"get ${{V{n}:dev}}") for n in range(900))
    team.dev.draw(App("a1", "Orders", parts, {}), by="mia@example.test")
    release = blank(team)
    assert len(release.transformations[0].blanked) == 900
    (told,) = _provenance(team, release)["transformations"]
    assert (len(told["blanked"]), told["more"]) == (300, 600)
    assert len(provenance(release, "dev", finished=release.sealed_at).payload()) < LARGEST


def test_nothing_changed_is_told_whatever_dev_left_in(left: Team) -> None:
    first = blank(left)
    made = left.run(MakeRelease("orders", blank_defaults=True))
    assert (made.release, made.last) == (None, first.version)
    leave(left, "1.16")
    assert blank(left).version == "1.0.1"


def test_what_was_shown_is_what_is_released(left: Team) -> None:
    shown = left.run(PreviewRelease("orders"))
    assert {b.place for b in shown.offered} == {f.place for f in shown.blocking} == set(PLACES)
    bare = left.run(PreviewRelease("orders", blank_defaults=True))
    assert (bare.blocking, bare.offered) == ((), ())
    assert bare.blanked == shown.offered
    assert bare.fingerprint == shown.fingerprint
    leave(left, "1.17")
    with pytest.raises(RefusedError, match="since you looked"):
        blank(left, fingerprint=bare.fingerprint)
    leave(left)
    assert blank(left, fingerprint=bare.fingerprint).version == "1.0.0"


def test_it_goes_the_whole_path_and_runs_with_what_each_environment_gives(left: Team) -> None:
    release = blank(left)
    left.approve(left.promote())
    assert left.running("prod") == release.version
    assert left.prod.apps["a1"].values["ERP_URL"] == "https://erp.prod"
    assert "${ERP_URL}" in left.prod.apps["a1"].parts[0].does


class Plain:
    """A format with everything but the optional ability."""

    def __init__(self, form: Any) -> None:
        self.form = form

    def __getattr__(self, name: str) -> Any:
        if name == "blank":
            raise AttributeError(name)
        return getattr(self.form, name)


def test_a_platform_that_leaves_nothing_in_has_nothing_to_take_out(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team.platform, "format", Plain(team.platform.format))
    with pytest.raises(UsageError, match="keeps no values of dev"):
        team.run(MakeRelease("orders", blank_defaults=True))
    assert team.find(Release) == ()


class Tenant(MemoryPlatform):
    """Exports one solution of Power Platform, whatever is asked for."""

    def __init__(self, package: bytes, source: bytes | None = None) -> None:
        super().__init__()
        self.package, self.source = package, source
        self.format: Any = SolutionFormat()

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        del access, scope, known
        return Export(self.package, editors=("mia@example.test",), source=self.source)


def test_a_flow_of_power_platform_is_sealed_without_what_dev_left_in_it(team: Team) -> None:
    read = flow({"Read": compose("x")}, variables={"con_Site": DEV})
    package = Solution("orders").flow("Notify", read).variable("con_Site").table("Order", ()).build()
    engine = replace(team.engine, platforms={"memory": Tenant(package)})
    with pytest.raises(RefusedError, match="1 hardcoded value") as caught:
        make_release(engine, MakeRelease("orders"), MIA)
    assert "--blank-defaults" in caught.value.hint
    assert "lampway blank, or release --blank-defaults" in caught.value.details[0]
    release = make_release(engine, MakeRelease("orders", blank_defaults=True), MIA).release
    assert release is not None
    sealed = team.packages.get(release.package.digest)
    inspection = SolutionFormat().inspect(sealed)
    assert (inspection.inventory.version, inspection.findings) == ("1.0.0", ())
    assert [b.place for t in release.transformations for b in t.blanked] == [
        "flow Notify / parameter con_Site (con_Site) / default value"
    ]
    source = team.source.files_at(release.commit, ["solutions/orders/src"])
    assert not [path for path, data in source.items() if b"secret-path" in data]
    assert SolutionFormat().blank(SolutionFormat().stamp(package, "1.0.0")).package == sealed
    again = make_release(engine, MakeRelease("orders", blank_defaults=True), MIA)
    assert (again.release, again.last) == (None, "1.0.0")


def test_of_two_forms_both_are_edited_and_recorded(team: Team) -> None:
    """The managed form is sealed and deployed, the unmanaged one unpacked and committed."""
    read = flow({"Read": compose("x")}, variables={"con_Site": DEV})
    managed, unmanaged = (
        Solution("orders", managed=one).flow("Notify", read).variable("con_Site").build() for one in (True, False)
    )
    engine = replace(team.engine, platforms={"memory": Tenant(managed, unmanaged)})
    with pytest.raises(RefusedError, match="1 hardcoded value") as caught:
        make_release(engine, MakeRelease("orders"), MIA)
    assert "takes them out" in caught.value.hint
    release = make_release(engine, MakeRelease("orders", blank_defaults=True), MIA).release
    assert release is not None
    form = SolutionFormat()
    sealed, committed = (form.blank(form.stamp(one, "1.0.0")).package for one in (managed, unmanaged))
    assert [(t.form, t.before, t.after) for t in release.transformations] == [
        (Form.PACKAGE, digest_bytes(form.stamp(managed, "1.0.0")), digest_bytes(sealed)),
        (Form.SOURCE, digest_bytes(form.stamp(unmanaged, "1.0.0")), digest_bytes(committed)),
    ]
    assert release.package.digest == digest_bytes(sealed)
    source = team.source.files_at(release.commit, ["solutions/orders/src"])
    assert {p.removeprefix("solutions/orders/src/"): d for p, d in source.items()} == dict(form.unpack(committed))
    assert b"<Managed>0</Managed>" in source["solutions/orders/src/Other/Solution.xml"]
    told = _provenance(team, release)["transformations"]
    assert [one["form"] for one in told] == ["package", "source"]


def test_what_only_the_form_that_is_committed_keeps_is_taken_out_of_it(team: Team) -> None:
    kept = flow({"Read": compose("x")}, variables={"con_Site": DEV})
    clean = flow({"Read": compose("x")}, variables={"con_Site": None})
    managed = Solution("orders", managed=True).flow("Notify", clean).variable("con_Site").build()
    unmanaged = Solution("orders").flow("Notify", kept).variable("con_Site").build()
    engine = replace(team.engine, platforms={"memory": Tenant(managed, unmanaged)})
    with pytest.raises(RefusedError, match="1 hardcoded value") as caught:
        make_release(engine, MakeRelease("orders"), MIA)
    assert "takes them out" in caught.value.hint
    release = make_release(engine, MakeRelease("orders", blank_defaults=True), MIA).release
    assert release is not None
    assert [t.form for t in release.transformations] == [Form.SOURCE]
    source = team.source.files_at(release.commit, ["solutions/orders/src"])
    assert not [path for path, data in source.items() if b"secret-path" in data]


def test_a_secret_variable_without_a_vault_blocks_whatever_is_taken_out(team: Team) -> None:
    package = Solution("orders").variable("con_Thing", "secret", default="just-a-word").build()
    engine = replace(team.engine, platforms={"memory": Tenant(package)})
    for blank_defaults in (False, True):
        with pytest.raises(RefusedError, match="1 hardcoded value") as caught:
            make_release(engine, MakeRelease("orders", blank_defaults=blank_defaults), MIA)
        assert "no reference to a vault" in caught.value.details[0]
        assert "just-a-word" not in str(caught.value.details)
    assert team.find(Release) == ()


def test_what_a_hotfix_left_in_is_taken_out_as_well(shipped: Team) -> None:
    shipped.do(StartHotfix("orders", "prod", "prices are wrong"))
    url = next(url for url in shipped.platform.worlds if url not in {"memory://dev", "memory://test", "memory://prod"})
    shipped.platform.worlds[url].edit("p2", does=f"times 1.15 for ${{ERP_URL:{DEV}}}")
    with pytest.raises(RefusedError, match="1 hardcoded value;") as caught:
        shipped.do(FinishHotfix("orders"))
    assert "--blank-defaults" in caught.value.hint
    release = shipped.do(FinishHotfix("orders", blank_defaults=True)).release
    assert [b.place for t in release.transformations for b in t.blanked] == [PLACES[1]]
    assert release.transformations[0].after == release.package.digest
    assert shipped.do(FinishHotfix("orders", blank_defaults=True)).release.name == release.name


@pytest.fixture
def data(left: Team) -> bytes:
    blank(left)
    left.approve(left.promote())
    content = left.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    assert isinstance(content, bytes)
    return content


def test_the_evidence_holds_and_tells_of_it(data: bytes) -> None:
    checked = verify_evidence(data, Trusted(PEOPLE), TOOLS)
    assert [c for c in checked if not c.holds] == []
    (remark,) = [c.reason for c in checked if "taken out of the package" in c.reason]
    assert PLACES[0] in remark
    page = data.partition(b"LAMPWAY EVIDENCE")[2].decode()
    assert "edited: 3 default values that dev had left in were taken out of the package" in page


def test_a_release_that_hides_its_edit_is_found(data: bytes) -> None:
    def hide(row: Any, body: dict[str, Any]) -> dict[str, Any]:
        if row.kind == "release-sealed":
            body["release"]["transformations"] = []
        return body

    assert "it is about the thing in hand" in [c.check for c in faults(forge(data, hide))]


def test_an_engine_that_signs_another_story_is_found(left: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement and the release are compared, and the last edit must have made the package that was sealed."""
    from lampway.domain import attestation

    monkeypatch.setattr(attestation, "transformed", lambda release: [{"kind": "nothing", "of": release.name}])
    blank(left)
    monkeypatch.undo()
    content = left.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    assert "tells of other edits" in str(faults(content))


def test_an_edit_that_made_another_package_is_found(left: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from lampway.engine import release as making

    honest = making.to_be_sealed

    def lie(*asked: Any, **more: Any) -> Any:
        made, (done,) = honest(*asked, **more)
        return made, (replace(done, after=done.before),)

    monkeypatch.setattr(making, "to_be_sealed", lie)
    blank(left)
    content = left.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    assert "and not to what was sealed" in str(faults(content))


def test_whoever_looks_at_a_release_sees_it(left: Team) -> None:
    release = blank(left)
    assert left.run(ShowRelease(release.name), "zoe").release.transformations == release.transformations
