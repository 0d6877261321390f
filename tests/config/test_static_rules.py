"""What no strategy may allow, and what waits for time: each mistake with its place and its cure."""

import pytest

from lampway.config import load_strategy
from lampway.domain.cautions import cautions
from lampway.domain.gates import GATE_KINDS
from lampway.domain.strategy import GateRule
from lampway.domain.windows import Window

GATE = "          - gate: drift\n"
APPROVAL = "          - gate: approval\n            roles: [approver]\n            quorum: 1\n"
LIVE = "        environment: prod\n"
ROLES = "roles: [maker"
SPAN = "write a number and s, m, h, d or w, such as 90m, 2h or 7d"
FULL = "give at least one, or take the key out"

CASES = {
    "approval can be gone around": (
        "lampway.yaml", APPROVAL,
        "          - any:\n              - {gate: approval, roles: [approver]}\n              - gate: findings\n",
        [("21:9: a stage of the last tier needs the gate approval, and here it can be gone around",
          "add `- gate: approval` with its roles")],
    ),
    "no lock": ("lampway.yaml", "          - gate: lock\n", "",
                [("21:9: a stage of the last tier needs the gate lock", "add `- gate: lock`")]),
    "no rollback target": (
        "lampway.yaml", "          - gate: rollback-target\n", "",
        [("21:9: a stage of the last tier needs the gate rollback-target", "add `- gate: rollback-target`")],
    ),
    "makers build in a sandbox": (
        "environments/dev.yaml", "tier: dev", "tier: sandbox",
        [("12:11: dev is a sandbox, and sandboxes lead nowhere", "let makers build in an environment of the tier dev")],
    ),
    "a stage in a sandbox": (
        "environments/test.yaml", "tier: test", "tier: sandbox",
        [("14:15: this stage is a sandbox, and nothing is released into one", "take the stage out"),
         ("19:15: a path into the last tier skips the tier test", "put a stage of the tier test before it")],
    ),
    "the sole approver is a maker": (
        "people.yaml", "[approver, platform-admin]", "[approver, maker]",
        [("lampway.yaml:26:19: bob makes solutions, and no approval is possible without them",
          "nobody approves what they made: give the role to somebody else in people.yaml")],
    ),
    "production data in test": (
        "environments/test.yaml", "tier: test", "tier: test\ndata: production",
        [("environments/test.yaml:2:7: production data has no place in the tier test",
          "give it masked or synthetic data, and say so here")],
    ),
    "unknown data": (
        "environments/test.yaml", "tier: test", "tier: test\ndata: real",
        [("environments/test.yaml:2:7: unknown data: real", "there is: masked, synthetic, production, none")],
    ),
    "soak before anything ran": (
        "lampway.yaml", "          - gate: configuration\n", "          - any: [{gate: soak, for: 1h}]\n",
        [("18:26: gate soak can never open: no stage comes before this one",
          "put a stage before it, or take the gate out")],
    ),
    "soak without a length": ("lampway.yaml", GATE, "          - {gate: soak, for: 2 fortnights}\n",
                              [("25:31: for must be a length of time", SPAN)]),
    "nothing in any": ("lampway.yaml", GATE, "          - any: []\n", [("25:18: any must not be empty", FULL)]),
    "nothing in all within any": ("lampway.yaml", GATE, "          - any: [{all: []}]\n",
                                  [("25:25: all must not be empty", FULL)]),
    "any is a word": ("lampway.yaml", GATE, "          - any: soak\n",
                      [("25:18: any must be a list, found text",
                        "write [one, two], or each item on its own line after a hyphen")]),
    "unknown gate within": ("lampway.yaml", GATE, "          - any:\n              - gate: soke\n",
                            [("26:23: unknown gate: soke", "did you mean: soak")]),
    "unknown role within": (
        "lampway.yaml", GATE, "          - all:\n              - {gate: approval, roles: [boss]}\n",
        [("26:42: unknown role: boss", "there is: maker, approver, platform-admin")],
    ),
    "window that never opens": (
        "lampway.yaml", LIVE, LIVE + '        windows: [{days: [mon], from: "08:00", to: "08:00", zone: UTC}]\n',
        [("21:19: a window opens and closes at the same time", 'for the whole day write from "00:00" to "24:00"')],
    ),
    "window in no zone": (
        "lampway.yaml", LIVE,
        LIVE + '        windows: [{days: [mon], from: "08:00", to: "9", zone: ../../etc/passwd}]\n',
        [("21:52: to must be a time of day", 'write hours and minutes in quotes, such as "08:00"'),
         ("21:63: zone must be a time zone",
          "write it as the time zone database does, such as Europe/Berlin or UTC")],
    ),
    "window on no day": (
        "lampway.yaml", LIVE, LIVE + '        windows: [{days: [mo-fri], from: "08:00", to: "09:00", zone: UTC}]\n',
        [("21:27: item 1 of days must be a day or a run of days", "write mon, or mon-fri")],
    ),
    "no window": ("lampway.yaml", LIVE, LIVE + "        windows: []\n", [("21:18: windows must not be empty", FULL)]),
    "expires at no time": ("lampway.yaml", LIVE, LIVE + "        expires: 7\n",
                           [("21:18: expires must be a length of time", SPAN)]),
    "approval for no time": ("lampway.yaml", "            quorum: 1\n", "            max_age: 0d\n",
                             [("28:22: max_age must be a length of time", SPAN)]),
    "freeze backwards, elsewhere": (
        "lampway.yaml", ROLES,
        "freezes: [{from: 2026-12-20, until: 2026-12-19, reason: x, environments: [prd]}]\n" + ROLES,
        [("9:11: a freeze ends before it begins", "let `until` come after `from`"),
         ("9:75: unknown environment: prd", "did you mean: prod")],
    ),
    "freeze on no day": (
        "lampway.yaml", ROLES, "freezes: [{from: 2026-13-20, until: 2026-12-19, reason: x}]\n" + ROLES,
        [("9:11: not a date: 2026-13-20", "write it as in 2026-12-19 or 2026-12-19T18:00")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "expected"), CASES.values(), ids=list(CASES))
def test_a_mistake_is_told_with_its_place_and_its_cure(altered, mistakes_of, file, old, new, expected):
    found = [(str(m), m.hint) for m in mistakes_of(altered(file, old, new))]
    assert found == [(t if t.startswith(("lamp", "env")) else f"lampway.yaml:{t}", hint) for t, hint in expected]


def test_a_tier_between_may_not_be_left_out_of_a_path(files, mistakes_of):
    uat = files["environments/test.yaml"].replace(b"tier: test", b"tier: uat")
    text = files["lampway.yaml"].replace(b"  prod: {locked", b"  uat:\n  prod: {locked")
    assert mistakes_of({**files, "lampway.yaml": text}) == ()  # a tier without any environment
    (told,) = mistakes_of({**files, "lampway.yaml": text, "environments/uat.yaml": uat})
    assert str(told) == "lampway.yaml:20:15: a path into the last tier skips the tier uat"


def test_a_path_may_not_do_without_any_tier_in_which_releases_prove_themselves(altered, mistakes_of):
    files = altered("environments/test.yaml", "tier: test", "tier: dev")
    assert "a path into the last tier skips the tier test" in [m.message for m in mistakes_of(files)]


def test_a_team_of_one_may_begin_for_its_gates_stay_closed_anyway(altered, mistakes_of):
    people = "people:\n  bob: {name: Bob, email: bob@example.com, roles: [approver, maker]}\n"
    files = {**altered("solutions/orders/solution.yaml", "owner: ada", "owner: bob"), "people.yaml": people.encode()}
    assert mistakes_of(files) == ()


def test_an_approval_that_every_way_asks_for_protects(altered, mistakes_of):
    ways = (
        "          - any:\n              - {gate: approval, roles: [approver]}\n"
        "              - all: [{gate: soak, for: 1d}, {gate: approval, people: [bob]}]\n"
    )
    assert mistakes_of(altered("lampway.yaml", APPROVAL, ways)) == ()


def test_everything_about_time_reads_as_it_was_meant(altered):
    more = LIVE + (
        '        windows: [{days: [fri-mon], from: "22:00", to: "04:00", zone: Europe/Berlin}]\n        expires: 2w\n'
    )
    files = altered("lampway.yaml", LIVE, more)
    text = files["lampway.yaml"].decode()
    text = text.replace(GATE, "          - any: [{gate: soak, for: 90m}, {all: [{gate: drift}]}]\n")
    text = text.replace("quorum: 1\n", "quorum: 1\n            max_age: 1d\n")
    freeze = "freezes: [{from: 2026-12-19, until: 2026-12-31, reason: year end, zone: Europe/Berlin}]\n"
    strategy = load_strategy({**files, "lampway.yaml": (freeze + text).encode()})
    stage = strategy.pipeline("standard").stages[1]
    assert stage.windows == (Window(("mon", "fri", "sat", "sun"), "22:00", "04:00", "Europe/Berlin"),)
    assert stage.expires == 14 * 86400
    (composed,) = stage.rules_of("any")
    assert composed.rules == (GateRule("soak", wait=5400.0), GateRule("all", rules=(GateRule("drift"),)))
    assert stage.rules_of("approval")[0].max_age == 86400.0
    (frozen,) = strategy.freezes
    assert (frozen.start, frozen.end) == ("2026-12-19T00:00:00+01:00", "2027-01-01T00:00:00+01:00")
    assert {"soak", "any", "all"} <= set(GATE_KINDS)


def test_approvals_that_nobody_signs_are_pointed_out_where_they_let_into_production(files):
    (caution,) = [line for line in cautions(load_strategy(files)) if "signed" in line]
    assert "stage live" in caution
    text = files["lampway.yaml"].replace(b"quorum: 1\n", b"quorum: 1\n            signed: true\n")
    assert not [line for line in cautions(load_strategy({**files, "lampway.yaml": text})) if "signed" in line]


def test_what_nobody_has_said_about_data_is_pointed_out_and_keeps_nothing_from_being_applied(files):
    text = files["lampway.yaml"].replace(b"quorum: 1\n", b"quorum: 1\n            signed: true\n")
    files = {**files, "lampway.yaml": text}
    assert [line.partition(" ")[0] for line in cautions(load_strategy(files))] == [
        "environments/dev.yaml", "environments/test.yaml",
    ]  # fmt: skip
    said = {f"environments/{n}.yaml": files[f"environments/{n}.yaml"] + b"data: masked\n" for n in ("dev", "test")}
    assert cautions(load_strategy({**files, **said})) == ()
