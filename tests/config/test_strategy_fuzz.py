"""Whatever stands in the files, reading them ends: with a strategy, or with mistakes in a stable order."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lampway.config import load_strategy
from lampway.domain.digest import digest
from lampway.errors import InvalidStrategyError

ORDINARY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
PIECES = st.sampled_from(
    ["\t", "\n", " ", "  ", ": ", ":", "- ", "#", "&a", "*a", "!", "!!int ", "|", ">-", "'", '"', "{", "}", "[", "]",
     ",", "?", "%", "@", "`", "~", "null", "true", "0x", "1e999", ".nan", "<<", "---", "...", "\\", '"\\ud800"', "\x00",
     "\x85", "\ufeff", "\u2028", "é", "😀", "env:X", "%YAML 1.1", "9" * 400, "a" * 70]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def judge(files):
    try:
        strategy = load_strategy(files)
    except InvalidStrategyError as error:
        mistakes = error.mistakes
        assert mistakes
        assert list(mistakes) == sorted(mistakes, key=lambda m: (m.file, m.line, m.column, m.message, m.hint))
        for mistake in mistakes:
            assert mistake.message
            assert (mistake.line == 0) == (mistake.column == 0)
            assert mistake.line <= len(files.get(mistake.file, b"").decode("utf-8", "replace").splitlines()) + 1
            str(mistake).encode("utf-8")
    else:
        digest(strategy)  # everything in it has a canonical form


@ORDINARY
@given(data=st.data())
def test_mutated_files_never_break_the_reader(files, data):
    file = data.draw(st.sampled_from(sorted(files)))
    text = files[file].decode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=4)) + text[end:]
    judge({**files, file: text.encode("utf-8", "surrogatepass")})


@ORDINARY
@given(data=st.data(), value=json_values)
def test_any_value_in_any_place_never_breaks_the_models(files, data, value):
    from lampway.config.document import read_document
    from lampway.config.revision import block

    file = data.draw(st.sampled_from(sorted(files)))
    document = read_document(file, files[file])
    path = data.draw(st.sampled_from(sorted(document.values, key=str)).filter(bool))
    holder = document.at(*path[:-1])
    holder[path[-1]] = value
    if data.draw(st.booleans()) and isinstance(holder, dict):
        holder[data.draw(st.text(max_size=8))] = value
    text = "".join(block(key, item) for key, item in document.value.items())
    judge({**files, file: text.encode("utf-8", "surrogatepass")})


@ORDINARY
@given(noise=st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join))
@example('a: "\\Uffffffff"')
@example("%YAML 1.\n---\n")
@example("%TAG ! \n---\na: !x")
@example("a: !%zz x")
@example("? ? ?")
@example("&\n")
def test_noise_never_breaks_the_reader(noise):
    judge({"lampway.yaml": noise.encode("utf-8", "surrogatepass")})


@ORDINARY
@given(content=st.binary(max_size=60))
def test_bytes_never_break_the_reader(content):
    judge({"people.yaml": content, "environments/x.yaml": content, "solutions/\x00/solution.yaml": content})
