"""What resolving a secret reference promises."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from lampway.errors import SecretError
from lampway.integrations.secrets import MAX_FILE_SIZE, SecretResolver

VALUE = "correct horse" + " battery"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(VALUE)
    return path


def refused(reference: str, environ: dict[str, str] | None = None) -> SecretError:
    with pytest.raises(SecretError) as caught:
        SecretResolver(environ or {}).resolve(reference)
    return caught.value


def test_an_environment_variable_gives_its_value_unprintably():
    secret = SecretResolver({"PROD_TOKEN": VALUE}).resolve("env:PROD_TOKEN")
    assert secret.reveal() == VALUE
    assert VALUE not in f"{secret} {secret!r}"


def test_a_renewed_secret_is_used_at_once():
    environ = {"TOKEN": "old"}
    resolver = SecretResolver(environ)
    resolver.resolve("env:TOKEN")
    environ["TOKEN"] = "new"
    assert resolver.resolve("env:TOKEN").reveal() == "new"


def test_the_real_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("LAMPWAY_TEST_TOKEN", VALUE)
    assert SecretResolver().resolve("env:LAMPWAY_TEST_TOKEN").reveal() == VALUE


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": " \n"}])
def test_an_unset_or_empty_variable_is_an_error_naming_it(environ):
    error = refused("env:TOKEN", environ)
    assert error.where == "env:TOKEN"
    assert error.hint


@pytest.mark.parametrize(("end", "kept"), [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n"), (" ", " ")])
def test_a_file_gives_its_text_without_the_last_line_feed(file, end, kept):
    file.write_bytes(f"{VALUE}{end}".encode())
    assert SecretResolver({}).resolve(f"file:{file}").reveal() == VALUE + kept


def test_a_byte_order_mark_is_no_part_of_the_secret(file):
    file.write_bytes(b"\xef\xbb\xbf" + VALUE.encode())
    assert SecretResolver({}).resolve(f"file:{file}").reveal() == VALUE


def test_a_relative_file_starts_at_the_given_folder(file):
    assert SecretResolver({}, folder=file.parent).resolve("file:token").reveal() == VALUE


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n", b"\xff\xfe" + VALUE.encode(), b"x" * (MAX_FILE_SIZE + 1)])
def test_an_empty_binary_or_large_file_is_an_error_without_its_content(file, content):
    file.write_bytes(content)
    error = refused(f"file:{file}")
    assert error.where == f"file:{file}"
    assert VALUE not in repr(error) + error.hint
    assert error.__context__ is None or error.__suppress_context__


def test_the_largest_allowed_file_is_read(file):
    file.write_bytes(b"x" * MAX_FILE_SIZE)
    assert len(SecretResolver({}).resolve(f"file:{file}").reveal()) == MAX_FILE_SIZE


def test_a_missing_file_or_a_folder_is_an_error(tmp_path):
    assert "no such" in str(refused(f"file:{tmp_path / 'nope'}"))
    assert "not a plain file" in str(refused(f"file:{tmp_path}"))
    assert refused("file:nul\0byte").where == "file:nul\0byte"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_an_unreadable_file_is_an_error(file, monkeypatch, error):
    def fail(*_):  # the superuser may read everything, so the refusal is played
        raise error

    monkeypatch.setattr(Path, "open", fail)
    assert error.strerror.lower() in str(refused(f"file:{file}")).lower()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "not a plain file" in str(refused(f"file:{tmp_path / 'pipe'}"))


@pytest.mark.parametrize("reference", ["vault:kv/erp#token", "azure-keyvault:acme/token"])
def test_vaults_are_not_supported_yet_and_say_what_is(reference):
    error = refused(reference)
    assert "not supported here yet" in str(error)
    assert "env:" in error.hint


@pytest.mark.parametrize("text", [VALUE, "", "env: ", "http://x", "ENV:TOKEN"])
def test_what_is_no_reference_is_refused_and_never_repeated(text):
    error = refused(text)
    assert not text or text not in f"{error} {error.hint} {error.where}"


class TestKeyring:
    @pytest.fixture
    def keyring(self, monkeypatch):
        module = types.ModuleType("keyring")
        module.errors = types.SimpleNamespace(KeyringError=type("KeyringError", (Exception,), {}))
        entries = {("lampway", "prod"): VALUE, ("a/b", "c"): VALUE, ("lampway", "empty"): ""}
        module.get_password = lambda service, name: entries.get((service, name))
        monkeypatch.setitem(sys.modules, "keyring", module)
        return module

    @pytest.mark.parametrize("reference", ["keyring:lampway/prod", "keyring:a/b/c"])
    def test_an_entry_gives_its_value(self, keyring, reference):
        assert SecretResolver({}).resolve(reference).reveal() == VALUE

    @pytest.mark.parametrize("reference", ["keyring:lampway/nope", "keyring:lampway/empty"])
    def test_a_missing_or_empty_entry_is_an_error(self, keyring, reference):
        assert refused(reference).where == reference

    @pytest.mark.parametrize("reference", ["keyring:lampway", "keyring:/x", "keyring:x/"])
    def test_an_incomplete_reference_says_how_to_write_it(self, keyring, reference):
        assert "SERVICE/NAME" in refused(reference).hint

    def test_a_locked_keyring_is_an_error_without_its_words(self, keyring):
        def locked(*_):
            raise keyring.errors.KeyringError(VALUE)

        keyring.get_password = locked
        error = refused("keyring:lampway/prod")
        assert VALUE not in f"{error} {error.hint}"
        assert error.__suppress_context__

    def test_a_missing_library_says_how_to_install_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert refused("keyring:lampway/prod").hint == "pip install keyring"
