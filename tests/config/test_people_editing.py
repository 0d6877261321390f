"""A key is written into people.yaml below one name, and nothing else there changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.config.people_editing import with_key
from lampway.config.trusted_people import read_trusted_people
from lampway.domain.keys import PersonKey, write_key
from lampway.errors import InvalidStrategyError, LampwayError, NotFoundError, RefusedError

KEY, OTHER = (write_key(bytes([number]) * 32) for number in (7, 9))
BLOCK = """\
people:
  # she makes
  ada:
    name: Ada  # the first
    email: ada@example.com
    roles: [maker]

  ben:
    name: Ben
    email: ben@example.com
    roles: [approver]  # decides
  # bob:
  #   name: Bob
"""
LAYOUTS = {
    "block": BLOCK,
    "flow": "people:\n  ada: {name: Ada, email: ada@example.com}\n  ben: {name: Ben, email: ben@example.com}\n",
    "quoted": BLOCK.replace("people:", '"people":').replace("ben:", "'ben':").replace("name:", '"name":'),
    "no end of line": BLOCK[: BLOCK.index("  # decides")],
}


def keys_of(text, person):
    return next(p.keys for p in read_trusted_people("people.yaml", text.encode()) if p.id == person)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("person", ["ada", "ben"])
def test_keys_count_from_their_day_and_what_stood_there_stays(layout, person):
    before = LAYOUTS[layout]
    after = with_key(with_key(before, person, KEY, "2027-05-01"), person, OTHER, "2027-06-01")
    assert keys_of(after, person) == (PersonKey(KEY, "2027-05-01"), PersonKey(OTHER, "2027-06-01"))
    assert keys_of(after, "ben" if person == "ada" else "ada") == ()
    if layout != "flow":
        stayed = iter(after.splitlines())
        assert all(line in stayed for line in before.splitlines()), after


def test_one_key_is_one_persons_and_stands_there_once():
    text = with_key(BLOCK, "ada", KEY, "2027-05-01")
    for person in ("ada", "ben"):
        with pytest.raises(RefusedError, match="ada's"):
            with_key(text, person, KEY, "2027-05-01")


@pytest.mark.parametrize(
    ("text", "person", "key", "error"),
    [
        (BLOCK, "zoe", KEY, NotFoundError),
        (BLOCK, "ada", "ed25519:short", InvalidStrategyError),
        (BLOCK + "  ada: {}\n", "ben", KEY, InvalidStrategyError),
        ("people:\n", "ben", KEY, NotFoundError),
        ("people: [ada]\n", "ada", KEY, InvalidStrategyError),
        ("", "ada", KEY, InvalidStrategyError),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(text, person, key, error):
    with pytest.raises(error):
        with_key(text, person, key, "2027-05-01")


@given(st.text(max_size=40))
def test_whatever_stands_in_the_file_the_answer_is_a_good_file_or_an_error_of_ours(junk):
    try:
        after = with_key(BLOCK.replace("Ada  #", f"{junk}  #"), "ben", KEY, "2027-05-01")
    except LampwayError:
        return
    assert keys_of(after, "ben") == (PersonKey(KEY, "2027-05-01"),)
