"""Exports from where solutions are built, and who we are there, against the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from live_prod import Prod, scope, solution, wanted
from test_dataverse_client import certificate

from lampway.domain.secret import Secret
from lampway.errors import (
    AccessError,
    InvalidPackageError,
    NotFoundError,
    PlatformError,
    RefusedError,
)
from lampway.platforms.powerplatform.export import require_one_build
from lampway.platforms.powerplatform.platform import PowerPlatform

# Out of dev.


def test_both_forms_leave_dev_as_one_build(dev: Prod) -> None:
    dev.maker.load(solution(managed=False).build())
    export = dev.platform.export(dev.access, scope(), {"orders": scope()})
    inspect = dev.platform.format.inspect
    assert inspect(export.package).inventory.managed is True
    assert inspect(export.editable).inventory.managed is False
    assert inspect(export.package).inventory.fingerprint == inspect(export.editable).inventory.fingerprint


def test_two_forms_that_are_not_one_build_are_refused(dev: Prod) -> None:
    one, other = solution(managed=False).build(), solution(does="y").build()
    with pytest.raises(RefusedError, match="not the same build") as caught:
        require_one_build(one, other, "dev")
    assert any("Zulu" in line for line in caught.value.details)
    with pytest.raises(RefusedError, match="not the same build"):
        require_one_build(one, solution("1.0.1").build(), "dev")
    with pytest.raises(PlatformError, match="another form"):
        require_one_build(solution().build(), solution().build(), "dev")
    with pytest.raises(PlatformError, match="cannot be read"):
        require_one_build(one, b"PK", "dev")


@pytest.mark.parametrize(
    ("prepare", "names", "error"),
    [
        (lambda dev: dev.maker.load(solution(managed=False).build()), ("Nothing",), NotFoundError),
        (lambda dev: dev.maker.load(solution(managed=False).build()), ("Orders", "Billing"), RefusedError),
        (lambda dev: dev.maker.install(solution().build()), ("Orders",), RefusedError),
    ],
)
def test_what_cannot_be_exported_is_told_with_its_reason(
    dev: Prod, prepare: Callable[[Prod], object], names: tuple[str, ...], error: type[Exception]
) -> None:
    prepare(dev)
    with pytest.raises(error):
        dev.platform.export(dev.access, scope(*names), {"orders": scope(*names)})


def test_an_export_that_fails_there_is_told_in_its_words(dev: Prod) -> None:
    dev.maker.load(solution(managed=False).build())
    dev.environment.faults.fail_operation("Export is not possible now.", message="ExportSolutionAsync")
    with pytest.raises(PlatformError, match="not possible now"):
        dev.platform.export(dev.access, scope(), {"orders": scope()})


# Who we are there.


def test_an_application_with_the_right_role_may_deploy(prod: Prod) -> None:
    rights = prod.platform.probe(prod.access)
    assert rights.product.startswith("Dataverse 9.")
    assert (rights.can_read, rights.can_deploy, rights.user, rights.missing) == (True, True, "Release application", ())


def test_what_an_application_lacks_is_told_with_its_cure(prod: Prod) -> None:
    prod.maker.take_role("Release application", "System Administrator")
    rights = prod.platform.probe(prod.access)
    assert not rights.can_deploy
    assert "System Administrator" in rights.missing[0]
    prod.maker.give_role("Release application", "System Customizer")
    rights = prod.platform.probe(prod.access)
    assert rights.can_deploy
    assert "plug-ins" in rights.notes[0]


def test_an_application_that_is_no_user_there_is_not_accepted(prod: Prod) -> None:
    prod.emulator.add_application("stranger", secret="of-the-stranger-4711")
    access = prod.access_with(client_id="stranger")
    access = replace(access, credentials={"client_secret": Secret("of-the-stranger-4711")})
    with pytest.raises(AccessError) as caught:
        prod.platform.probe(access)
    assert "user of this environment" in caught.value.hint


def test_a_certificate_does_in_place_of_a_secret(prod: Prod) -> None:
    pem, _, _ = certificate()
    prod.emulator.add_application("by-certificate", certificate=pem, roles=("System Administrator",))
    access = replace(prod.access_with(client_id="by-certificate"), credentials={"certificate": Secret(pem)})
    assert prod.platform.probe(access).can_deploy
    assert prod.apply(wanted(solution().build()), access=access) == ["import", "turn on flows"]
    other = replace(access, credentials={"certificate": Secret(certificate()[0])})
    with pytest.raises(AccessError) as caught:
        PowerPlatform().probe(other)
    assert "upload it" in caught.value.hint


def test_a_package_that_cannot_be_read_is_told_before_anything_is_asked(prod: Prod) -> None:
    with pytest.raises(InvalidPackageError):
        prod.platform.plan(prod.access, wanted(b"PK no package"))
    assert not prod.environment.requests
