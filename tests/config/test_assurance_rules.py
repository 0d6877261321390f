"""What stands behind a release, as it is declared: read as written, and refused with its place where it cannot be."""

import pytest

from lampway.config import load_strategy
from lampway.domain.strategy import DataSet, GateRule

LOCK = "          - gate: lock\n"
FILE = "solutions/orders/solution.yaml"
DIGEST = "sha256:" + "a" * 64
GATES = """\
          - gate: lock
          - gate: managed
          - gate: rehearsed
            max_age: 30d
          - gate: dependencies
          - gate: certified
            warn_within: 7d
          - gate: data
          - any:
              - {gate: ticket, pattern: "(CHG|INC)-[0-9]{4,8}"}
              - {gate: certified}
"""


def test_gates_are_read_as_written(altered):
    rules = load_strategy(altered("lampway.yaml", LOCK, GATES)).pipelines[0].stages[1].gates[-6:]
    assert rules == (
        GateRule("managed"),
        GateRule("rehearsed", max_age=30 * 86_400.0),
        GateRule("dependencies"),
        GateRule("certified", warn=7 * 86_400.0),
        GateRule("data"),
        GateRule(
            "any", rules=(GateRule("ticket", pattern="(CHG|INC)-[0-9]{4,8}"), GateRule("certified", warn=1_209_600.0))
        ),
    )


@pytest.mark.parametrize(
    ("gate", "line", "column", "said"),
    [
        ("          - gate: managed\n            form: yes\n", 32, 13, "unknown key: form"),
        ("          - gate: ticket\n            pattern: '(a+)+'\n", 32, 22, "pattern must be a pattern that is safe"),
        ("          - gate: ticket\n            pattern: '['\n", 32, 22, "no regular expression"),
        ("          - gate: ticket\n            pattern: 12\n", 32, 22, "pattern must be text"),
        ("          - gate: rehearsed\n            max_age: soon\n", 32, 22, "max_age must be a length of time"),
        ("          - gate: certified\n            warn_within: 0d\n", 32, 26, "warn_within must be a length"),
        ("          - gate: ticket\n          - gate: ticket\n", 32, 19, "gate given twice: ticket"),
    ],
)
def test_a_gate_that_cannot_be_is_told_with_its_place(mistakes_of, altered, gate, line, column, said):
    (found,) = mistakes_of(altered("lampway.yaml", LOCK, LOCK + gate))
    assert (found.file, found.line, found.column) == ("lampway.yaml", line, column), found
    assert said in found.message
    assert found.hint


@pytest.mark.parametrize("kind", ["rehearsed", "soak\n            for: 1h"])
def test_a_gate_about_the_stage_before_makes_no_sense_in_the_first(mistakes_of, altered, kind):
    first = "          - gate: configuration\n"
    (found,) = mistakes_of(altered("lampway.yaml", first, f"{first}          - gate: {kind}\n"))
    assert "can never open: no stage comes before this one" in found.message


def solutions(files, **needs):
    """Return the files with solutions that need each other, as `name=other: version`."""
    orders = files[FILE].decode()
    made = {f"solutions/{name}/solution.yaml": f"{orders}depends_on: {text}\n".encode() for name, text in needs.items()}
    return {**files, **made}


def test_a_solution_says_what_it_needs_who_else_answers_and_how_sensitive_its_data_is(files):
    more = solutions(files, orders="{stock: 1.2.0, billing: '2.0'}", stock="{}", billing="")
    more[FILE] += b"backup_owner: bob\ndata_class: restricted\n"
    rules = load_strategy(more)
    orders = rules.solution("orders")
    assert orders.depends_on == {"stock": "1.2.0", "billing": "2.0"}
    assert (orders.backup_owner, orders.data_class) == ("bob", "restricted")
    assert rules.solution("stock").depends_on == rules.solution("billing").depends_on == {}


@pytest.mark.parametrize(
    ("text", "column", "said", "hint"),
    [
        ("{stok: 1.0.0}", 14, "unknown solution: stok", "did you mean: stock"),
        ("{stock: 1.0}", 21, "stock must be text, found a number", "put it in quotes"),
        ("{stock: 1.x}", 21, "stock must be a version", "such as 1.4.0"),
        ("{stock: ''}", 21, "stock must be a version", "such as 1.4.0"),
        ("[stock]", 13, "depends_on must be a mapping", "key: value"),
    ],
)
def test_a_need_that_cannot_be_is_told_with_its_place(mistakes_of, files, text, column, said, hint):
    line = files[FILE].count(b"\n") + 1
    (found,) = mistakes_of(solutions(files, orders=text, stock="{}"))
    assert (found.file, found.line, found.column) == (FILE, line, column), found
    assert said in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("needs", "file", "way"),
    [
        ({"orders": "{orders: 1.0.0}"}, "orders", "orders → orders"),
        (
            {"orders": "{stock: 1.0.0}", "stock": "{billing: 1.0.0}", "billing": "{orders: 1.0.0}"},
            "billing",
            "billing → orders → stock → billing",
        ),
    ],
)
def test_solutions_that_need_each_other_in_a_circle_are_told_once(mistakes_of, files, needs, file, way):
    (found,) = mistakes_of(solutions(files, **needs))
    assert (found.file, found.message) == (
        f"solutions/{file}/solution.yaml",
        f"solutions need each other in a circle: {way}",
    )
    assert found.line > 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("backup_owner: eve\n", "unknown person: eve"),
        ("data_class: secret\n", "unknown data_class: secret"),
    ],
)
def test_a_backup_owner_and_a_class_of_data_are_known_ones(mistakes_of, files, text, said):
    (found,) = mistakes_of({**files, FILE: files[FILE] + text.encode()})
    assert said in found.message
    assert found.line


def test_an_environment_says_which_data_it_was_given(files):
    place = "environments/test.yaml"
    text = f"data: masked\ndata_set: {{name: orders of May, digest: '{DIGEST}'}}\n"
    found = load_strategy({**files, place: files[place] + text.encode()}).environment("test")
    assert (found.data, found.data_set) == ("masked", DataSet("orders of May", DIGEST))


@pytest.mark.parametrize("digest", ["sha256:abc", "a" * 64, f"{DIGEST}0", f"SHA256:{'a' * 64}", "sha256:" + "A" * 64])
def test_a_data_set_has_a_whole_digest(mistakes_of, files, digest):
    place = "environments/test.yaml"
    text = f"data_set: {{name: orders of May, digest: '{digest}'}}\n"
    (found,) = mistakes_of({**files, place: files[place] + text.encode()})
    assert found.message == "digest must be a digest"
    assert "64 hexadecimal digits" in found.hint


def test_a_risk_class_may_ask_how_sensitive_the_data_is(altered):
    quorum = "            quorum: 1\n"
    risk = f"{quorum}            risk: {{low: {{when: {{data_class: [public, internal]}}, approvals: 1}}}}\n"
    (approval,) = load_strategy(altered("lampway.yaml", quorum, risk)).pipelines[0].stages[1].rules_of("approval")
    assert approval.risk[0].data_class == ("public", "internal")


OTHER = """\
  stock-path:
    from: dev
    stages:
      - {name: stock-test, environment: test, gates: [{gate: configuration}]}
"""


@pytest.mark.parametrize(
    ("gate", "count"), [("- gate: dependencies", 1), ("- any: [{gate: dependencies}]", 1), ("", 0)]
)
def test_what_never_comes_to_where_it_is_asked_for_is_told(mistakes_of, altered, gate, count):
    changed = altered("lampway.yaml", LOCK, f"{LOCK}          {gate}\n{OTHER}")
    stock = changed[FILE].replace(b"pipeline: standard", b"pipeline: stock-path")
    found = mistakes_of({**solutions(changed, orders="{stock: 1.0.0}"), "solutions/stock/solution.yaml": stock})
    said = "stock never comes to prod, where the gate dependencies asks for it"
    assert [(m.file, m.message) for m in found] == [(FILE, said)] * count
