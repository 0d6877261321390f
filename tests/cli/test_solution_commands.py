"""Power Platform packages on the command line: no set-up, one clear error, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lampway.cli import demo_flows
from lampway.domain.digest import digest_bytes
from lampway.testing.solutions import Solution, compose, flow
from typist import Run, typist


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return typist(monkeypatch, tmp_path)


def orders(**facts: Any) -> Solution:
    leak = flow({"Store": compose("x")}, variables={"con_Site": "https://contoso.sharepoint.com/sites/dev"})
    return Solution(**facts).flow("Notify", leak).variable("con_Site").reference("con_sp")


@pytest.fixture
def package(tmp_path: Path) -> str:
    file = tmp_path / "Orders_managed.zip"
    file.write_bytes(orders().build())
    return str(file)


def test_a_solution_is_inspected_without_any_set_up(run: Run, package: str) -> None:
    code, out, _ = run("inspect", package)
    assert code == 0
    assert "power-platform: Orders@1.0.0.0" in out
    assert "unmanaged, from Contoso (con)" in out  # the manifest counts, not the name of the file
    assert "variable con_Site: string, required, used by flow Notify" in out
    assert "endpoint: flow Notify / parameter con_Site (con_Site) / default value" in out


def test_the_facts_are_there_as_json(run: Run, package: str) -> None:
    code, out, _ = run("inspect", package, "--json")
    facts = json.loads(out)
    assert (code, facts["platform"], facts["managed"]) == (0, "power-platform", False)
    assert facts["publisher"] == "Contoso (con)"
    assert [c["connector"] for c in facts["connections"]] == ["shared_sharepointonline"]
    assert [f["rule"] for f in facts["findings"]] == ["dev-value-as-default"]


def test_scanning_says_no_where_a_value_of_dev_is_left(run: Run, package: str, tmp_path: Path) -> None:
    assert run("scan", package)[0] == 1
    clean = tmp_path / "clean.zip"
    clean.write_bytes(Solution().flow("Notify", flow({})).build())
    assert run("scan", str(clean))[0] == 0
    assert run("scan", str(tmp_path))[0] == 1


def test_what_dev_left_in_is_taken_out_into_another_file(run: Run, package: str, tmp_path: Path) -> None:
    before, clean = Path(package).read_bytes(), tmp_path / "clean.zip"
    assert "lampway blank" in run("scan", package)[1]
    code, out, _ = run("blank", package, str(clean))
    assert code == 0
    assert "taken out: flow Notify / parameter con_Site (con_Site) / default value" in out
    assert "1 value taken out" in out
    assert "contoso" not in out
    assert run("scan", str(clean))[0] == 0
    assert Path(package).read_bytes() == before
    assert "value kept as default for environment variable *con_Site* removed" in run("diff", package, str(clean))[1]


def test_the_facts_of_taking_out_are_there_as_json_with_digests(run: Run, package: str, tmp_path: Path) -> None:
    clean, again = tmp_path / "clean.zip", tmp_path / "again.zip"
    told = json.loads(run("blank", package, str(clean), "--json")[1])
    assert told["before"] == digest_bytes(Path(package).read_bytes())
    assert told["after"] == digest_bytes(clean.read_bytes())
    assert [one["name"] for one in told["blanked"]] == ["con_Site"]
    code, out, _ = run("blank", str(clean), str(again))
    assert (code, again.read_bytes()) == (0, clean.read_bytes())
    assert "no values taken out" in out


def test_taking_out_refuses_in_one_clear_error_and_writes_nothing(run: Run, package: str, tmp_path: Path) -> None:
    flows, broken, out = tmp_path / "flows.json", tmp_path / "broken.zip", tmp_path / "out.zip"
    flows.write_text(json.dumps(demo_flows.orders()))
    broken.write_bytes(Path(package).read_bytes()[:300])
    for words, code, told in [
        ((package, package), 2, "this is the package itself"),
        ((str(flows), str(out)), 2, "node-red keeps no values of dev"),
        ((str(broken), str(out)), 2, "damaged"),
        ((str(tmp_path / "nothing.zip"), str(out)), 2, "no such file"),
        ((package, str(tmp_path)), 3, "cannot be written"),
    ]:
        before = Path(package).read_bytes()
        found, _, err = run("blank", *words)
        assert (found, told in err) == (code, True), (words, err)
        assert not out.exists()
        assert Path(package).read_bytes() == before


def commit(root: Path, *names: str) -> Path:
    """Write what Git integration would commit of solutions without components."""
    for name in names:
        folder = root / "solutions" / name
        folder.mkdir(parents=True)
        about = f"UniqueName: {name}\n    Version: 1.0\n    Managed: 0\n    Publisher:\n      UniqueName: Contoso\n"
        (folder / "solution.yml").write_text(f"ImportExportXml:\n  SolutionManifest:\n    {about}")
        (folder / "solutioncomponents.yml").write_text("SolutionComponents:\n")
        (folder / "rootcomponents.yml").write_text("RootComponents:\n")
    publisher = root / "publishers" / "Contoso"
    publisher.mkdir(parents=True)
    (publisher / "publisher.yml").write_text("Publisher:\n  UniqueName: Contoso\n  CustomizationPrefix: con\n")
    return root


def test_one_of_several_solutions_under_one_root_is_packed_by_its_name(run: Run, tmp_path: Path) -> None:
    tree, out = commit(tmp_path / "repository", "Orders", "Billing"), tmp_path / "out.zip"
    code, _, err = run("pack", str(tree), str(out))
    assert (code, out.exists()) == (2, False)
    assert "the tree holds 2 solutions" in err
    assert "name one of them with --solution: Billing, Orders" in err
    code, told, _ = run("pack", str(tree), str(out), "--solution", "Billing")
    assert (code, told.startswith("power-platform: ")) == (0, True)
    assert "power-platform: Billing@1.0" in run("inspect", str(out))[1]


def test_everything_that_a_solution_lists_and_the_tree_does_not_hold_is_named(run: Run, tmp_path: Path) -> None:
    tree, out = commit(tmp_path / "repository", "Orders"), tmp_path / "out.zip"
    (tree / "solutions" / "Orders" / "solutioncomponents.yml").write_text("- Path: roles/a\n- Path: roles/b\n")
    code, _, err = run("pack", str(tree), str(out))
    assert (code, out.exists()) == (2, False)
    assert "2 things that it lists are not in the tree" in err
    assert "roles/a is listed in solutions/Orders/solutioncomponents.yml" in err
    assert "roles/b is listed in solutions/Orders/solutioncomponents.yml" in err
    code, _, err = run("pack", str(tree), str(out), "--json")
    assert json.loads(err)["error"]["where"].endswith("repository: solutions/Orders")


def test_a_name_says_nothing_where_there_is_only_one_solution(run: Run, package: str, tmp_path: Path) -> None:
    run("unpack", package, str(tmp_path / "src"))
    code, _, err = run("pack", str(tmp_path / "src"), str(tmp_path / "out.zip"), "--solution", "Orders")
    assert (code, "leave --solution out" in err) == (2, True)


def test_two_packages_are_compared_in_words(run: Run, package: str, tmp_path: Path) -> None:
    newer = tmp_path / "newer.zip"
    newer.write_bytes(orders(version="1.1.0.0").variable("con_More").build())
    code, out, _ = run("diff", package, str(newer))
    assert code == 0
    assert "+ environment variable *con_More*" in out
    assert "environment variable con_More is added, and is required: it has no default" in out


def test_a_package_goes_to_source_and_back(run: Run, package: str, tmp_path: Path) -> None:
    folder, again = tmp_path / "src", tmp_path / "again.zip"
    assert run("unpack", package, str(folder))[0] == 0
    assert (folder / "Other" / "Solution.xml").is_file()
    code, out, _ = run("pack", str(folder), str(again), "--json")
    assert (code, json.loads(out)["platform"]) == (0, "power-platform")
    code, out, _ = run("diff", package, str(again))
    assert "no difference in what it does" in out


def test_source_is_never_written_over_unless_asked(run: Run, package: str, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    code, _, err = run("unpack", package, str(folder))
    assert (code, "--replace" in err) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert run("unpack", package, str(folder), "--replace")[0] == 0
    assert not (folder / "mine.txt").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".src")]


def test_a_damaged_solution_is_one_clear_error_and_nothing_is_written(run: Run, package: str, tmp_path: Path) -> None:
    file = tmp_path / "half.zip"
    file.write_bytes(Path(package).read_bytes()[:-100])
    for words in (("inspect", str(file)), ("scan", str(file)), ("unpack", str(file), str(tmp_path / "src"))):
        code, out, err = run(*words)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {file}: the zip file is damaged")
        assert "hint: " in err
    assert not (tmp_path / "src").exists()


def test_a_fault_inside_names_file_and_member(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "odd.zip"
    file.write_bytes(orders().file("Workflows/Other.json", b"{").build())
    code, _, err = run("inspect", str(file))
    assert code == 2
    assert f"error: {file}: Workflows/Other.json: not valid JSON" in err


def test_a_folder_that_is_no_source_is_refused_with_what_each_platform_misses(run: Run, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x.txt").write_text("x")
    code, _, err = run("pack", str(tmp_path / "src"), str(tmp_path / "p.zip"))
    assert code == 2
    assert "for power-platform: " in err
    assert "for node-red: " in err
    code, _, err = run("pack", str(tmp_path / "src"), str(tmp_path / "p.zip"), "--platform", "power-platform")
    assert "Other/Solution.xml" in err
    assert run("pack", str(tmp_path / "src"), str(tmp_path / "p.zip"), "--platform", "nope")[0] == 2
    assert not (tmp_path / "p.zip").exists()


def test_an_editors_export_is_refused_as_source(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "flows.json"
    file.write_text(json.dumps(demo_flows.orders(rush=True)))
    code, _, err = run("unpack", str(file), str(tmp_path / "src"))
    assert (code, f"error: {file}" in err) == (2, True)


def test_an_environment_that_cannot_be_reached_is_not_written_down(run: Run, tmp_path: Path) -> None:
    people = ("--person", "ada:Ada Maker:ada@example.org:maker,platform-admin")
    assert run("init", *people, "--preset", "solo", "--platform", "power-platform")[0] == 0
    before = (tmp_path / "environments" / "dev.yaml").read_bytes()
    code, _, err = run("connect", "dev", "https://127.0.0.1:9", "--platform", "power-platform", "--anonymous")
    assert (code, "no tenant to sign in with" in err, "under settings" in err) == (3, True, True)
    assert (tmp_path / "environments" / "dev.yaml").read_bytes() == before


def test_platforms_say_how_far_each_ability_goes(run: Run) -> None:
    facts = {one["platform"]: one["capabilities"] for one in json.loads(run("platforms", "--json")[1])}
    told = {one["name"]: one for one in facts["power-platform"]}
    assert told["deploy"]["support"] == "full"
    assert "emulator" in told["deploy"]["note"]
    assert told["export"]["support"] == "partial"
    assert told["launch"]["support"] == "impossible"
