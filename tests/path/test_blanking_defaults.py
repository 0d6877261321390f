"""Values of dev that the platform keeps in a package are taken out before it is sealed, and everybody can see that."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_team import found_team

from conftest import Team  # type: ignore[import-not-found]
from lampway.domain.digest import digest_bytes
from lampway.platforms.powerplatform.package import SolutionFormat, read_package
from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.solutions import Solution, compose, flow

SITE, KEY = "con_Site", "con_ApiKey"
DEV, SECRET = "https://orders.dev.test", "q8Zf3vT1xLr7Wm2Kd9Yb5Hc0Nj4Sg6Pa"
PLACES = [
    f"flow Price / parameter {KEY} ({KEY}) / default value",
    f"flow Price / parameter {SITE} ({SITE}) / default value",
]


def orders(price: str = "1.19") -> Solution:
    """Return a solution whose flow keeps what dev gave to its variables."""
    price_flow = flow({"Price": compose(price)}, variables={SITE: DEV, KEY: SECRET})
    return Solution(name="Orders", version="1.0.0.0").variable(SITE).variable(KEY).flow("Price", price_flow)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[tuple[Team, DataverseEmulator]]:
    with DataverseEmulator(polls=1) as emulator:
        team = found_team(tmp_path, emulator)
        folder = team.root / "solutions" / "orders"
        folder.mkdir(parents=True)
        (folder / "solution.yaml").write_text(
            "pipeline: standard\nowner: ada\ncontains: [Orders]\nrollback_plan: the release before\n"
        )
        team.ok("strategy", "apply", "-m", "Orders")
        emulator.environment("dev").maker.load(orders().build())
        yield team, emulator


def written(team: Team) -> bytes:
    """Return everything that lies anywhere of the team's."""
    return b"".join(path.read_bytes() for path in team.root.rglob("*") if path.is_file())


def test_without_it_the_release_is_refused_and_the_way_out_is_named(team: tuple[Team, DataverseEmulator]) -> None:
    answer = team[0].run("release", "orders")
    assert answer.code == 1
    assert "release with --blank-defaults" in answer.err


def test_the_sealed_package_holds_no_value_of_dev_and_the_release_says_what_was_done(
    team: tuple[Team, DataverseEmulator],
) -> None:
    mine, _ = team
    made = mine.ok("release", "orders", "--blank-defaults", "--json").json
    edit, source = made["transformations"]
    assert (edit["form"], source["form"], source["blanked"]) == ("package", "source", edit["blanked"])
    places = [one["place"] for one in edit["blanked"]]
    assert (edit["kind"], sorted(places)) == ("blank-defaults", PLACES)
    assert edit["after"] == made["package"]["digest"] != edit["before"]
    shown = mine.ok("provenance", "orders").out
    assert "2 default values that dev had left in were taken out of the package before it was sealed" in shown
    assert PLACES[0] in shown
    told = mine.ok("change", "orders", "--to", "test").out
    assert f"edited after its export, blank-defaults: {PLACES[0]}" in told
    for answer in mine.said:
        assert SECRET not in answer.out + answer.err
    held = written(mine)
    assert SECRET.encode() not in held
    assert DEV.encode() not in held


def test_the_edit_is_signed_with_where_the_package_comes_from_and_verified_offline(
    team: tuple[Team, DataverseEmulator], tmp_path: Path
) -> None:
    mine, _ = team
    mine.ok("release", "orders", "--blank-defaults")
    file = tmp_path / "evidence"
    mine.ok("evidence", "export", "orders@1.0.0", "--out", str(file))
    assert PLACES[0] in _signed_edits(file)
    assert "edited: 2 default values that dev had left in were taken out of the package" in file.read_text()
    people = str(mine.root / "people.yaml")
    assert "it holds" in mine.ok("evidence", "verify", str(file), "--keys", people).out


def _signed_edits(file: Path) -> str:
    """Return what signed provenance in an evidence file says about edits of the package."""
    payloads = re.findall(r'\\*"payload\\*": ?\\*"([A-Za-z0-9+/=]+)', file.read_text())
    statements = [json.loads(base64.b64decode(one)) for one in payloads]
    builds = [one["predicate"]["buildDefinition"] for one in statements if "buildDefinition" in one["predicate"]]
    return json.dumps([build["internalParameters"] for build in builds])


def test_what_is_deployed_knows_only_what_its_environment_gives_and_that_is_no_drift(
    team: tuple[Team, DataverseEmulator],
) -> None:
    mine, emulator = team
    given = {"variables": {SITE: "https://orders.test.test", KEY: "/vault/of/test"}}
    with (mine.root / "environments" / "test.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\nsolutions:\n  orders: {json.dumps(given)}\n")
    mine.ok("strategy", "apply", "-m", "What test gives")
    mine.ok("release", "orders", "--blank-defaults", "--promote", "test")
    definition = json.dumps(emulator.environment("test").maker.definition("Price"))
    assert DEV not in definition
    assert SECRET not in definition
    mine.ok("drift", "scan", "test")


def test_nothing_changed_is_nothing_changed_also_with_it(team: tuple[Team, DataverseEmulator]) -> None:
    mine, emulator = team
    mine.ok("release", "orders", "--blank-defaults")
    assert "nothing changed" in mine.ok("release", "orders", "--blank-defaults").out
    emulator.environment("dev").maker.load(orders("2.99").build())
    said = mine.ok("release", "orders", "--blank-defaults").out
    assert "orders@1.0.1" in said
    assert "1.19" in said, "what the maker changed is told, and not what was blanked"
    assert "default" not in said.partition("flow *Price*")[2].partition("\n")[0]


def test_only_what_dev_gave_is_taken_and_the_file_keeps_its_form() -> None:
    """What the definition itself says is there for everybody to see."""
    made = Solution(name="Orders").variable("con_Mode", default="fast").variable(SITE).variable("con_On", "yes/no")
    kept = flow({"Do": compose("x")}, variables={"con_Mode": "fast", SITE: DEV, "con_On": True})
    package = made.flow("Price", kept).flow("Clean", flow({"Do": compose("y")})).build()
    form = SolutionFormat()
    done = form.blank(package)
    assert [blank.place.split(" / ")[1] for blank in done.blanks] == [
        f"parameter {SITE} ({SITE})",
        "parameter con_On (con_On)",
    ]
    before, after = read_package(package).archive, read_package(done.package).archive
    differing = [name for name in before.names if before.read(name) != after.read(name)]
    assert [name.partition("-")[0] for name in differing] == ["Workflows/Price"]
    text = after.read(differing[0]).decode()
    assert text.count("\n") == before.read(differing[0]).decode().count("\n")
    assert text.count('"defaultValue": null') == 2
    assert '"defaultValue": "fast"' in text
    again = form.blank(done.package)
    assert (again.package, again.blanks) == (done.package, ())
    assert digest_bytes(form.blank(package).package) == digest_bytes(done.package)
    assert not [f for f in form.inspect(done.package).findings if f.rule == "dev-value-as-default"]


def test_a_platform_that_keeps_no_values_says_so(tmp_path: Path) -> None:
    from lampway.platforms.nodered import create

    notes = {c.name: c.note for c in create().capabilities()}
    assert "no values of dev" in notes["blank"]
