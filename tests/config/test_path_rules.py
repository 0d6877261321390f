"""Whatever makes no sense in a strategy is told once, at its place, together with everything else."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.config.revision import revise

BACK = """\
  back:
    from: prod
    stages:
      - name: home
        environment: test
        gates: [{gate: findings}]
"""
WINDOWS = """\
        windows:
          - {days: [mon-fri], from: "08:00", to: "17:00", zone: UTC}
          - {days: [fri], from: "16:00", to: "20:00", zone: UTC}
          - {days: [sun], from: "22:00", to: "04:00", zone: UTC}
          - {days: [mon], from: "03:00", to: "04:00", zone: UTC}
"""


def told(mistakes) -> list[str]:
    return [str(mistake) for mistake in mistakes]


def changed(files, file: str, old: str, new: str) -> dict[str, bytes]:
    assert old.encode() in files[file]
    return {**files, file: files[file].replace(old.encode(), new.encode(), 1)}


def line_of(files, file: str, text: str) -> int:
    return next(n for n, line in enumerate(files[file].decode().splitlines(), 1) if text in line)


def test_paths_that_lead_in_a_circle_are_told_once_with_the_circle(files, mistakes_of):
    bad = {**files, "lampway.yaml": files["lampway.yaml"] + BACK.encode()}
    found = told(mistakes_of(bad))
    line = line_of(bad, "lampway.yaml", "environment: test")
    assert f"lampway.yaml:{line}:22: paths lead in a circle: prod → test → prod" in found
    assert len([text for text in found if "circle" in text]) == 1


def test_a_path_that_goes_down_a_tier_is_told(files, mistakes_of):
    bad = changed(files, "environments/test.yaml", "tier: test", "tier: dev")
    assert not any("goes down" in text for text in told(mistakes_of(bad)))
    down = changed(files, "environments/dev.yaml", "tier: dev", "tier: prod")
    assert any("a path goes down from the tier prod to test" in text for text in told(mistakes_of(down)))


def test_windows_that_overlap_are_told_each_once_also_over_midnight(files, mistakes_of):
    bad = changed(files, "lampway.yaml", "      - name: live\n", f"      - name: live\n{WINDOWS}")
    found = [text for text in told(mistakes_of(bad)) if "overlaps" in text]
    first, second = (line_of(bad, "lampway.yaml", text) for text in ("16:00", "03:00"))
    assert found == [
        f"lampway.yaml:{first}:13: window 2 overlaps window 1, as on Fri 16:00",
        f"lampway.yaml:{second}:13: window 4 overlaps window 3, as on Mon 03:00",
    ]


@pytest.mark.parametrize(
    "windows",
    [
        '[{days: [mon], from: "08:00", to: "12:00", zone: UTC}, {days: [mon], from: "12:00", to: "17:00", zone: UTC}]',
        '[{days: [mon], from: "08:00", to: "24:00", zone: UTC}, {days: [tue], from: "00:00", to: "17:00", zone: UTC}]',
        '[{days: [mon], from: "08:00", to: "12:00", zone: UTC}, {days: [mon], from: "08:00", to: "12:00", zone: GMT}]',
    ],
)
def test_windows_that_only_touch_or_are_of_other_zones_are_fine(files, windows):
    good = changed(files, "lampway.yaml", "      - name: live\n", f"      - name: live\n        windows: {windows}\n")
    assert load_strategy(good)


def test_everything_that_is_wrong_is_told_at_once_each_with_its_line(files, mistakes_of):
    bad = changed(files, "lampway.yaml", "roles: [approver]", "roles: [approver]\n            people: [nobody]")
    bad = changed(bad, "lampway.yaml", "environment: prod", "environment: moon")
    bad = changed(
        bad, "lampway.yaml", "      - name: live\n", f"      - name: live\n{WINDOWS.replace('mon-fri', 'mon-noday')}"
    )
    conflicts = "conflicts:\n  - {roles: [approver, platform-admin], reason: apart}\n  - {roles: [maker, boss]}\n"
    bad = {**bad, "lampway.yaml": bad["lampway.yaml"] + conflicts.encode()}
    found = told(mistakes_of(bad))
    for part in (
        "unknown person: nobody",
        "unknown environment: moon",
        "item 1 of days must be a day",
        "unknown role: boss",
        "bob must not hold both approver and platform-admin",
    ):
        assert len([text for text in found if part in text]) == 1, (part, found)
    assert all(text.split(":")[1].isdigit() for text in found)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ("[{role: maker}]", "key missing: until"),
        ("[{role: maker, until: soon}]", "not a date: soon"),
        ("[{role: maker, from: 2027-02-01, until: 2027-01-01}]", "last day of a role is before its first"),
        ("[{role: boss, until: 2027-01-01}]", "unknown role: boss"),
        ("[maker, {role: maker, until: 2027-01-01}]", "given twice: maker"),
    ],
)
def test_roles_for_a_time_are_checked_like_others(files, mistakes_of, roles, said):
    found = told(mistakes_of(changed(files, "people.yaml", "roles: [maker]", f"roles: {roles}")))
    assert len(found) == 1, found
    assert said in found[0]
    assert found[0].startswith("people.yaml:")


def test_a_role_for_a_time_is_read_with_its_days(files):
    good = changed(files, "people.yaml", "roles: [maker]", "roles: [maker, {role: approver, until: 2027-01-31}]")
    ada = load_strategy(good).person("ada")
    assert ada.roles == ("maker", "approver")
    assert ada.roles_at("2027-01-31T12:00") == ("maker", "approver")
    assert ada.roles_at("2027-02-01") == ("maker",)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("items: [{item: x}]", "key missing: text"),
        ("items: [{item: known-good, text: again}]", "item given twice: known-good"),
        ("items: [{item: x, text: y, by: boss}]", "unknown role: boss"),
        ("items: [{item: x, text: y, gate: nonsense}]", "unknown gate: nonsense"),
        ("items: [{item: x, text: y, by: maker, gate: lock}]", "by a gate or by a role"),
        ("items: [{item: x, text: y, level: 9}]", "level must be at most 4"),
        ("not_ours: [{item: known-good}]", "key missing: reason"),
        ("not_ours: [{item: nonsense, reason: z}]", "no such item: nonsense"),
        ("not_ours: [{item: known-good, reason: a}, {item: known-good, reason: b}]", "taken out twice"),
    ],
)
def test_a_checklist_that_cannot_be_is_told(files, mistakes_of, section, said):
    bad = {**files, "lampway.yaml": files["lampway.yaml"] + f"readiness: {{{section}}}\n".encode()}
    found = told(mistakes_of(bad))
    assert len(found) == 1, found
    assert said in found[0]


def test_a_checklist_of_ones_own_is_read(files):
    text = "readiness:\n  items: [{item: x, text: y, by: maker}]\n  not_ours: [{item: known-good, reason: z}]\n"
    rules = load_strategy({**files, "lampway.yaml": files["lampway.yaml"] + text.encode()}).readiness
    assert [(i.item, i.by, i.level) for i in rules.items] == [("x", "maker", 2)]
    assert [(o.item, o.reason) for o in rules.not_ours] == [("known-good", "z")]


def test_a_value_deep_in_lists_is_changed_where_it_stands():
    text = "a:\n  - b: [x, y] # one\n    # two\n    c: 1\n  - z # three\n"
    wanted = {"a": [{"b": ["x", "w"], "c": 2}, "q"]}
    found = revise("f.yaml", text, wanted)
    assert found == "a:\n  - b: [x, w] # one\n    # two\n    c: 2\n  - q # three\n"
