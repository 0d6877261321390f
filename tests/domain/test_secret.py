"""Secrets cannot be printed, whichever way somebody tries."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass, replace

import msgspec
import pytest

from lampway.domain.digest import canonical
from lampway.domain.secret import SCHEMES, Secret, SecretReference, is_reference, mask
from lampway.engine.platform import Access, Wanted

VALUE = "hunter-2-hunter-2"


@dataclass(frozen=True)
class Holder:
    secret: Secret
    more: dict[str, Secret]


@pytest.fixture
def secret() -> Secret:
    return Secret(VALUE)


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        format,
        lambda s: f"{s}",
        lambda s: f"{s!r:>40}",
        lambda s: f"{s:>40}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031
        lambda s: "{} {!r}".format(s, s),  # noqa: UP032
        lambda s: str([s, {"k": s}, (s,)]),
        lambda s: repr(Holder(s, {"k": s})),
        lambda s: repr(replace(Holder(s, {}), more={"x": s})),
        lambda s: repr(Access("prod", "https://x", {"token": s})),
        lambda s: logging.LogRecord("n", 1, "p", 1, "%s %r", (s, s), None).getMessage(),
        lambda s: "".join(traceback.format_exception(ValueError(s))),
        lambda s: repr(vars(type("T", (), {"x": s}))),
    ],
)
def test_no_text_form_shows_it(secret: Secret, show) -> None:
    shown = show(secret)
    assert VALUE not in shown
    assert "****" in shown


@pytest.mark.parametrize(
    "store",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        canonical,
        msgspec.json.encode,
        msgspec.to_builtins,
        vars,
        lambda s: asdict(Holder(s, {})),
        lambda s: json.dumps({"k": [s]}),
        lambda s: canonical({"k": Holder(s, {})}),
        lambda s: pickle.dumps(Access("prod", "https://x", {"token": s})),
    ],
)
def test_it_cannot_be_stored(secret: Secret, store) -> None:
    with pytest.raises(TypeError) as caught:
        store(secret)
    assert VALUE not in str(caught.value)


def test_what_shall_be_deployed_can_be_printed_without_it(secret: Secret) -> None:
    wanted = Wanted("orders", "1.0.0", b"package", None, {"ERP": {"password": secret}})  # type: ignore[arg-type]
    assert VALUE not in repr(wanted)


def test_it_is_compared_by_value_and_revealed_only_on_purpose(secret: Secret) -> None:
    assert secret == Secret(VALUE)
    assert secret != Secret("another")
    assert secret != VALUE
    assert len({secret, Secret(VALUE)}) == 1
    assert secret.reveal() == VALUE


def test_it_gives_no_way_in(secret: Secret) -> None:
    assert not hasattr(secret, "__dict__")
    with pytest.raises(AttributeError):
        secret.extra = 1  # type: ignore[attr-defined]


def test_masking_takes_out_every_occurrence_the_longest_first() -> None:
    secrets = [Secret("abcd"), Secret("abcd-and-more"), Secret("abc")]
    assert mask("abcd-and-more, abcd; abc", secrets) == "********, ********; abc"


@pytest.mark.parametrize("text", [f"{scheme}:NAME" for scheme in SCHEMES])
def test_references_name_where_a_secret_is(text: str) -> None:
    assert is_reference(text)
    assert (SecretReference(text).scheme, SecretReference(text).path) == (text.split(":", maxsplit=1)[0], "NAME")


@pytest.mark.parametrize("text", ["", "env:", "env: NAME", "ENV:NAME", "https://x", "NAME", "other:NAME", " env:NAME"])
def test_anything_else_is_no_reference(text: str) -> None:
    assert not is_reference(text)
