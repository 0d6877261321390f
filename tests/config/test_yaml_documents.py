"""Reading YAML: JSON values, places of everything, and no file that crashes, hangs or is half understood."""

import time

import pytest

from lampway.config.document import DEEPEST, LARGEST, read_document


def told(content: bytes) -> list[str]:
    return [f"{m} [{m.hint}]" if m.hint else str(m) for m in read_document("f.yaml", content).mistakes]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "f.yaml: the file is empty [`lampway init` shows what belongs in it]", id="empty"),
        pytest.param(b"# only\n", "f.yaml: the file is empty [`lampway init` shows what belongs in it]", id="comment"),
        pytest.param(
            b"- a\n", "f.yaml:1:1: the file must hold keys with values [write lines such as `key: value`]", id="list"
        ),
        pytest.param(
            b"text\n", "f.yaml:1:1: the file must hold keys with values [write lines such as `key: value`]", id="text"
        ),
        pytest.param(
            b"a: 1\nb:\n\tc: 1\n",
            "f.yaml:3:1: not YAML: found character '\\t' that cannot start any token "
            "[indent with spaces, not with tabs]",
            id="tab",
        ),
        pytest.param(
            b"a: one: two\n",
            "f.yaml:1:7: not YAML: mapping values are not allowed here "
            "[put text that contains a colon and a space in quotes]",
            id="second colon",
        ),
        pytest.param(
            b"a: 'x\nb: 1\n",
            "f.yaml:3:1: not YAML: found unexpected end of stream [a quote that was opened is never closed]",
            id="open quote",
        ),
        pytest.param(
            b"a: [x, y\nb: 1\n",
            "f.yaml:2:2: not YAML: expected ',' or ']', but got ':' "
            "[a bracket that was opened is never closed, or a comma is missing]",
            id="open bracket",
        ),
        pytest.param(
            b"a: 1\nb: 2\na: 3\n",
            "f.yaml:3:1: key given twice: a [it is already in line 1; keep one of them]",
            id="duplicate key",
        ),
        pytest.param(
            b"x: {a: 1, a: 2}\n",
            "f.yaml:1:11: key given twice: a [it is already in line 1; keep one of them]",
            id="duplicate key within",
        ),
        pytest.param(
            b"a: 1\n---\nb: 2\n",
            "f.yaml:2:1: a second document begins here [keep one document per file: remove the `---` line]",
            id="two documents",
        ),
        pytest.param(
            b"%YAML 1.1\n---\na: yes\n",
            "f.yaml:2:1: only YAML 1.2 is read [remove the %YAML line]",
            id="old yaml",
        ),
        pytest.param(
            b"a: !!python/object:os.system x\n",
            "f.yaml:1:4: tags are not read [remove the tag, or put text that begins with ! in quotes]",
            id="tag",
        ),
        pytest.param(
            b"a: *nothing\n",
            "f.yaml:1:4: alias without an anchor [put text that begins with * in quotes]",
            id="alias without anchor",
        ),
        pytest.param(b"a: &a [*a]\n", "f.yaml:1:8: alias stands inside of what it repeats", id="circle"),
        pytest.param(
            b"a: &a {x: 1}\nb:\n  <<: *a\n",
            "f.yaml:3:3: merge keys are not read [write the keys out instead of `<<`]",
            id="merge key",
        ),
        pytest.param(b"? [a, b]\n: 1\n", "f.yaml:1:3: a key must be plain text", id="list as key"),
        pytest.param(b": 1\n", "f.yaml:1:1: a key is empty [write its name before the colon]", id="no key"),
        pytest.param(
            b"a: .inf\n", "f.yaml:1:4: a number that is not finite [put it in quotes if it is text]", id="inf"
        ),
        pytest.param(b"a: 1e999\n", "f.yaml:1:4: a number that is not finite [put it in quotes if it is text]", id="e"),
        pytest.param(
            b"a: " + b"9" * 5000,
            "f.yaml:1:4: a number with too many digits [put it in quotes if it is text]",
            id="long number",
        ),
        pytest.param(b'a: "\\ud800"\n', "f.yaml:1:4: text with a character that cannot be stored", id="surrogate"),
        pytest.param(b'a: "\\0"\n', "f.yaml:1:4: text with a character that cannot be stored", id="nul escape"),
        pytest.param(b"a: 1\nb: \x01\n", "f.yaml:2:4: character not allowed: U+0001 [remove it]", id="control"),
        pytest.param(b"a: 1\nb: \xe4\n", "f.yaml:2:4: not UTF-8 [save the file in the encoding UTF-8]", id="latin 1"),
        pytest.param(
            "a: 1\n".encode("utf-16"), "f.yaml:1:1: not UTF-8 [save the file in the encoding UTF-8]", id="utf-16"
        ),
        pytest.param(
            b"#" * (LARGEST + 1),
            "f.yaml: larger than 1024 KiB [a governance file is a few pages at most]",
            id="huge",
        ),
        pytest.param(
            b"a: " + b"[" * 100_000, f"f.yaml:1:{DEEPEST + 4}: nested more than {DEEPEST} levels deep", id="deep"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(content, expected):
    assert told(content) == [expected]


def test_a_parser_that_trips_is_a_mistake_too():
    (told_once,) = told(b'a: "\\Uffffffff"\n')  # the parser's own exception differs between versions of Python
    assert told_once.startswith("f.yaml: not YAML: ")


def test_values_are_read_by_the_core_schema_of_yaml_1_2():
    content = (
        b"int: 12\noctal: 0o17\nhex: 0x1F\nlead: 010\nfloat: 1.50\nexp: 1e3\nyes: yes\non: on\ndate: 2027-05-01\n"
        b"true: true\nnone: ~\nempty:\nquoted: '12'\nlit: |\n  two\n  lines\n"
        b"sexagesimal: 1:30\nver: 1.2.3\nunder: 1_000\n"
    )
    assert read_document("f", content).value == {
        "int": 12, "octal": 15, "hex": 31, "lead": 10, "float": 1.5, "exp": 1000.0, "yes": "yes", "on": "on",
        "date": "2027-05-01", "true": True, "none": None, "empty": None, "quoted": "12", "lit": "two\nlines\n",
        "sexagesimal": "1:30", "ver": "1.2.3", "under": "1_000",
    }  # fmt: skip


def test_keys_are_text_as_written():
    assert list(read_document("f", b"404: a\nno: b\n1.0: c\n'': d\n").value) == ["404", "no", "1.0", ""]


def test_every_key_and_value_has_a_place_counted_from_one():
    document = read_document("f", "a:\n  - {ü: x, b: 'y'}\n".encode())
    assert document.keys == {("a",): (1, 1), ("a", 0, "ü"): (2, 6), ("a", 0, "b"): (2, 12)}
    assert document.values[("a", 0, "b")] == (2, 15)


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake():
    document = read_document("f", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert (document.value, document.mistakes) == ({"a": 1, "b": 2}, ())
    assert document.keys[("b",)] == (2, 1)


def test_of_two_equal_keys_the_first_stays_and_everything_else_is_still_read():
    document = read_document("f", b"a: 1\na: {b: 2, b: 3}\nc: 4\n")
    assert document.value == {"a": 1, "c": 4}
    assert [m.line for m in document.mistakes] == [2, 2]


def test_aliases_repeat_values_and_point_to_where_they_are_written():
    document = read_document("f", b"a: &x {n: [1, 2]}\nb: *x\n")
    assert document.value["b"] == {"n": [1, 2]}
    assert document.values[("b", "n", 1)] == (1, 15)
    assert document.values[("b",)] == (2, 4)


def test_an_alias_bomb_is_refused_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    before = time.perf_counter()
    assert [m.message for m in read_document("f", "\n".join(lines).encode()).mistakes] == ["too many aliases"]
    assert time.perf_counter() - before < 5


def test_aliases_cannot_nest_deeper_than_values_may():
    lines = ["a0: &a0 {k: {k: {k: {k: {k: x}}}}}"]
    lines += [f"a{n}: &a{n} {{k: {{k: {{k: {{k: {{k: *a{n - 1}}}}}}}}}}}" for n in range(1, 20)]
    messages = [m.message for m in read_document("f", "\n".join(lines).encode()).mistakes]
    assert messages == [f"nested more than {DEEPEST} levels deep"]
