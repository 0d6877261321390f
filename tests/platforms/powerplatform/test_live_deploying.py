"""Plans, imports, ways back and removals in a live environment, against the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from test_dataverse_client import certificate

from lampway.domain.configuration import EXTERNAL, ConfigurationSet
from lampway.domain.digest import digest_bytes
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access, Found, Outcome, Progress, UnderWay, Wanted
from lampway.errors import (
    AccessError,
    ConflictError,
    InvalidPackageError,
    NotFoundError,
    PlatformError,
    PlatformRefusedError,
    RefusedError,
    UnknownOutcomeError,
)
from lampway.platforms.powerplatform.export import require_one_build
from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.platforms.powerplatform.restamp import read_mark
from lampway.testing.dataverse import DataverseEmulator, Environment, Maker
from lampway.testing.solutions import Solution, call, column, compose, flow, id_of

SITE, REFERENCE, CONNECTION = "con_Site", "con_sharepoint", "sharepoint-of-prod"
VARIABLES: dict[str, Any] = {SITE: "https://orders.prod.test"}
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/erp"


def solution(version: str = "1.0.0", *, managed: bool = True, does: str = "x") -> Solution:
    made = Solution(name="Orders", version=version, managed=managed).reference(REFERENCE).variable(SITE)
    child = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Zulu")}}}
    uses = flow(
        {"Get": call("shared_sharepointonline", "GetItems"), "Ask": child},
        references={"shared_sharepointonline": REFERENCE},
    )
    return made.flow("Alpha", uses).flow("Zulu", flow({"Do": compose(does)}))


def wanted(package: bytes | None, installed: bytes | None = None, **variables: Any) -> Wanted:
    return Wanted(
        solution="orders",
        version="1.0.0",
        package=package,
        configuration=ConfigurationSet(VARIABLES | variables, {REFERENCE: {"connection": CONNECTION}}),
        secrets={REFERENCE: {"connection": Secret(CONNECTION)}},
        installed=installed,
    )


@dataclass
class Prod:
    """An environment, as Lampway reaches it and as its makers do."""

    emulator: DataverseEmulator
    environment: Environment
    platform: PowerPlatform

    @property
    def access(self) -> Access:
        return self.access_with()

    def access_with(self, **settings: str) -> Access:
        told = {"tenant": self.emulator.tenant_id, "client_id": self.emulator.client_id}
        told |= {"authority": self.emulator.authority}
        credentials = {"client_secret": Secret(self.emulator.client_secret)}
        return Access(self.environment.name, self.environment.url, credentials, settings=told | settings)

    @property
    def maker(self) -> Maker:
        return self.environment.maker

    def edit_flow(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        self.maker.edit_flow(name, lambda whole: change(whole["properties"]["definition"]["actions"]))

    def take(self, step: str, given: Wanted, *, access: Access | None = None) -> Outcome:
        place = access or self.access
        return self.end(self.platform.perform(place, given, step, self.platform.intend(place, given, step)))

    def end(self, outcome: Outcome) -> Outcome:
        while outcome.progress is Progress.RUNNING:
            outcome = self.platform.poll(self.access, outcome.detail)
        return outcome

    def look(
        self, given: Wanted, step: str, intent: Mapping[str, Any], *, access: Access | None = None
    ) -> tuple[bool, Found | UnderWay]:
        """Look until nothing is under way; return whether something was at first, and what is there then."""
        seen = [self.platform.look_up(access or self.access, given, step, intent)]
        while isinstance(seen[-1], UnderWay):
            seen.append(self.platform.look_up(access or self.access, given, step, intent))
        return len(seen) > 1, seen[-1]

    def apply(self, given: Wanted, *, access: Access | None = None) -> list[str]:
        plan = self.platform.plan(access or self.access, given)
        assert plan.problems == ()
        for step in plan.steps:
            outcome = self.take(step.name, given, access=access)
            assert outcome.progress is Progress.DONE, outcome
        return [step.name for step in plan.steps]

    def problems(self, given: Wanted, *, access: Access | None = None) -> str:
        return "\n".join(f"{p.summary}; {p.hint}" for p in self.platform.plan(access or self.access, given).problems)

    @property
    def held(self) -> Any:
        return self.environment.organisation.state.solutions.get("orders")

    def sent(self, name: str) -> list[dict[str, Any]]:
        return [
            entry.body for entry in self.environment.requests if entry.path.endswith(name) and entry.method == "POST"
        ]


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(("dev", "prod")) as emulator:
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Prod:
    place = Prod(emulator, emulator.environment("prod"), PowerPlatform(pause=lambda _: None))
    place.maker.add_connection(CONNECTION)
    return place


@pytest.fixture
def dev(emulator: DataverseEmulator) -> Prod:
    return Prod(emulator, emulator.environment("dev"), PowerPlatform(pause=lambda _: None))


# What stands in the way.


def test_an_unmanaged_package_never_gets_in(prod: Prod) -> None:
    told = prod.problems(wanted(solution(managed=False).build()))
    assert "is unmanaged" in told
    assert "lampway release" in told
    assert not prod.sent("StageSolution")


def test_what_somebody_built_there_is_not_overwritten(prod: Prod) -> None:
    prod.maker.load(solution(managed=False).build())
    assert "unmanaged, and no release put it there" in prod.problems(wanted(solution("2.0.0").build()))


def test_what_somebody_else_installed_there_is_adopted_first(prod: Prod) -> None:
    prod.maker.install(solution("1.0.0").build())
    assert "no release put it there" in prod.problems(wanted(solution("2.0.0").build()))


def test_an_upgrade_that_was_not_ended_is_explained(prod: Prod) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    prod.take("import", wanted(second, first), access=prod.access_with(upgrade="holding"))
    told = prod.problems(wanted(solution("3.0.0").build(), first))
    assert "an upgrade of Orders was begun there and not ended" in told
    assert "Orders_Upgrade" in told


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({SITE: ""}, "is required and gets no value"),
        ({SITE: "x" * 2001}, "longer than 2000"),
        ({"con_Key": "the secret itself"}, "something else than a reference to a vault"),
        ({"con_Key": VAULT, "con_Flag": "maybe"}, "neither yes nor no"),
        ({"con_Key": VAULT, "con_Flag": True, "con_Many": "twelve"}, "no number"),
        ({"con_Key": VAULT, "con_Flag": True, "con_Many": 12, "con_Json": "{"}, "no json"),
    ],
)
def test_a_value_that_the_platform_would_take_wrongly_is_named_and_not_told(
    prod: Prod, variables: dict[str, Any], said: str
) -> None:
    made = solution().variable("con_Key", "secret").variable("con_Flag", "yes/no")
    made = made.variable("con_Many", "number").variable("con_Json", "json")
    everything = {"con_Key": VAULT, "con_Flag": False, "con_Many": 1, "con_Json": {"a": 1}}
    told = prod.problems(wanted(made.build(), **(everything | variables)))
    assert said in told
    assert "the secret itself" not in told
    assert "xxxx" not in told
    assert prod.problems(wanted(made.build(), **everything)) == ""


def test_values_arrive_as_the_platform_writes_them_and_what_the_surroundings_give_stays(prod: Prod) -> None:
    made = solution().variable("con_Flag", "yes/no").variable("con_Json", "json").variable("con_Theirs")
    prod.apply(wanted(made.build(), con_Flag=True, con_Json={"b": [1], "a": "ü"}, con_Theirs=EXTERNAL))
    given = {
        row["schemaname"]: row.get("value")
        for row in prod.sent("ImportSolutionAsync")[0]["ComponentParameters"]
        if "value" in row
    }
    assert given == {SITE: VARIABLES[SITE], "con_Flag": "yes", "con_Json": '{"a":"ü","b":[1]}'}


def test_a_connection_reference_without_a_connection_is_named(prod: Prod) -> None:
    lacking = replace(wanted(solution().build()), secrets={})
    assert f"connection reference {REFERENCE} gets no connection" in prod.problems(lacking)


def test_what_the_platform_itself_would_refuse_is_told_in_its_words(prod: Prod) -> None:
    prod.environment.faults.refuse("StageSolution", status=400, code="0x80048060", text="The file is too old.")
    assert "The file is too old. (0x80048060)" in prod.problems(wanted(solution().build()))


def test_a_way_of_upgrading_that_there_is_not_is_named(prod: Prod) -> None:
    told = prod.problems(wanted(solution().build()), access=prod.access_with(upgrade="fast"))
    assert "one-step, update, holding" in told


# The import.


def test_the_sealed_bytes_are_what_is_staged(prod: Prod) -> None:
    import base64

    package = solution().build()
    prod.apply(wanted(package))
    staged = {base64.b64decode(body["CustomizationFile"]) for body in prod.sent("StageSolution") if body}
    assert staged == {package}
    assert all("StageSolutionUploadId" in body["SolutionParameters"] for body in prod.sent("ImportSolutionAsync"))


def test_where_staged_ids_are_refused_the_package_itself_is_sent(prod: Prod) -> None:
    text = "SolutionParameters is not supported."
    prod.environment.faults.refuse("ImportSolutionAsync", status=400, code="0x80040203", text=text)
    prod.apply(wanted(solution().build()))
    assert prod.held.version == "1.0.0"


def test_flows_come_on_after_those_that_they_call(prod: Prod) -> None:
    prod.apply(wanted(solution().build()))
    patched = [entry.path for entry in prod.environment.requests if entry.method == "PATCH"]
    assert [id_ for path in patched for id_ in (id_of("flow Zulu"), id_of("flow Alpha")) if id_ in path] == [
        id_of("flow Zulu"),
        id_of("flow Alpha"),
    ]


def test_a_flow_that_stays_off_fails_the_step_with_the_platforms_words(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    prod.maker.bind(REFERENCE, "")
    outcome = prod.take("turn on flows", given)
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["off"] == [id_of("flow Alpha")]
    assert outcome.detail["on"] == [id_of("flow Zulu")]
    assert "Connection Id missing" in outcome.detail["components"][0]


@pytest.mark.parametrize(("mode", "stays"), [("one-step", False), ("update", True), ("holding", False)])
def test_what_a_new_version_lacks_goes_as_the_environment_says(prod: Prod, mode: str, stays: bool) -> None:
    first = solution("1.0.0").flow("Extra", flow({"Do": compose("more")})).build()
    second, access = solution("2.0.0").build(), prod.access_with(upgrade=mode)
    prod.apply(wanted(first))
    steps = prod.apply(wanted(second, first), access=access)
    assert ("promote" in steps) == (mode == "holding")
    names = {one.part.name for one in prod.environment.organisation.state.of_kind("workflow")}
    assert ("Extra" in names) == stays
    assert prod.held.version == "2.0.0"
    assert "orders_upgrade" not in prod.environment.organisation.state.solutions


def test_an_import_that_fails_tells_which_component_did_and_why(prod: Prod) -> None:
    given = replace(wanted(solution().build()), secrets={REFERENCE: {"connection": Secret("no-such-connection")}})
    outcome = prod.take("import", given)
    assert outcome.progress is Progress.FAILED
    assert "ConnectionAuthorizationFailed" in outcome.detail["message"]
    assert [one.partition(":")[0] for one in outcome.detail["components"]] == ["solutionManifest Orders"]
    assert prod.held is None


def test_an_import_that_failed_is_tried_again_under_another_job(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.fail_operation("Generic SQL error.", message="ImportSolutionAsync")
    assert prod.end(prod.platform.perform(prod.access, given, "import", intent)).progress is Progress.FAILED
    assert prod.platform.look_up(prod.access, given, "import", intent) is Found.UNTOUCHED
    again = prod.end(prod.platform.perform(prod.access, given, "import", intent))
    assert again.progress is Progress.DONE
    assert again.detail["job"] != intent["job"]


def test_an_import_whose_answer_was_lost_is_found_by_its_job(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.cut_after("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    assert prod.look(given, "import", intent) == (True, Found.REACHED)
    assert intent["job"] in prod.environment.organisation.state.jobs


@pytest.mark.parametrize(
    ("mode", "step", "message"),
    [
        ("one-step", "import", "StageAndUpgradeAsync"),
        ("update", "import", "ImportSolutionAsync"),
        ("holding", "import", "ImportSolutionAsync"),
        ("holding", "promote", "DeleteAndPromoteAsync"),
    ],
)
def test_an_upgrade_whose_answer_was_lost_is_told_from_one_that_never_began(
    prod: Prod, mode: str, step: str, message: str
) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    given, access = wanted(second, first), prod.access_with(upgrade=mode)
    if step == "promote":
        prod.take("import", given, access=access)
    intent = prod.platform.intend(access, given, step)
    faults = prod.environment.faults
    for lose, ends in ((faults.cut_before, Found.UNTOUCHED), (faults.cut_after, Found.REACHED)):
        lose(message)
        with pytest.raises(UnknownOutcomeError):
            prod.platform.perform(access, given, step, intent)
        assert prod.look(given, step, intent, access=access) == (ends is Found.REACHED, ends)
    assert prod.end(prod.platform.perform(access, given, step, intent)).detail["already"]


def test_an_import_that_was_never_received_left_everything_untouched(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.cut_before("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    assert prod.platform.look_up(prod.access, given, "import", intent) is Found.UNTOUCHED


def test_a_handle_that_nobody_knows_any_more_is_not_found(prod: Prod) -> None:
    with pytest.raises(NotFoundError):
        prod.platform.poll(prod.access, {"step": "import", "operation": id_of("nothing"), "job": id_of("nothing")})
    with pytest.raises(PlatformError):
        prod.platform.poll(prod.access, {"step": "import"})


# The way back.


def test_going_back_goes_forward_under_a_free_version_and_says_so(prod: Prod) -> None:
    first = solution("1.0.0", does="old").build()
    second = solution("1.3.0", does="new").table("Order", [column("con_number")]).build()
    prod.apply(wanted(first))
    prod.apply(wanted(second, first))
    prod.maker.set_rows("con_order", 7)
    plan = prod.platform.plan(prod.access, wanted(first, second))
    told = "\n".join(plan.notes)
    assert "1.0.0 goes there as 1.3.0.1" in told
    assert "destroys what is held by" in told
    assert "no backup is made" in told
    prod.apply(wanted(first, second))
    assert prod.held.version == "1.3.0.1"
    mark = read_mark(prod.held.description, "1.3.0.1")
    assert mark is not None
    assert (mark.version, mark.digest) == ("1.0.0", digest_bytes(first))
    assert prod.maker.lost_rows()


def test_after_going_back_the_newer_release_goes_forward_again(prod: Prod) -> None:
    first, second = solution("1.0.0", does="old").build(), solution("1.3.0", does="new").build()
    for package, before in ((first, None), (second, first), (first, second), (second, first), (first, second)):
        prod.apply(wanted(package, before))
    assert prod.held.version == "1.3.0.3"
    assert "Lampway: Orders 1.0.0 as 1.3.0.3" in prod.held.description


def test_the_environment_is_backed_up_before_what_destroys_data(prod: Prod) -> None:
    first = solution("1.0.0").build()
    second = solution("1.3.0").table("Order", [column("con_number")]).build()
    access = prod.access_with(environment_id=prod.environment.id, admin_url=prod.emulator.authority)
    prod.apply(wanted(first))
    prod.apply(wanted(second, first), access=access)
    assert not prod.emulator.administration.backups.get(prod.environment.id)
    given = wanted(first, second)
    intent = prod.platform.intend(access, given, "back up")
    assert prod.platform.look_up(access, given, "back up", intent) is Found.UNTOUCHED
    outcome = prod.platform.perform(access, given, "back up", intent)
    while outcome.progress is Progress.RUNNING:
        outcome = prod.platform.poll(access, outcome.detail)
    assert outcome.detail == {"label": intent["label"]}
    assert prod.platform.look_up(access, given, "back up", intent) is Found.REACHED
    assert prod.platform.perform(access, given, "back up", intent).progress is Progress.DONE
    labels = [one["label"] for one in prod.emulator.administration.backups[prod.environment.id]]
    assert labels == [intent["label"]]
    assert next(step.name for step in prod.platform.plan(access, given).steps) == "back up"


# The same release once more.


def test_the_same_release_with_other_values_is_no_import(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    prod.maker.add_connection("another")
    before = len(prod.sent("ImportSolutionAsync"))
    given = wanted(package, package, **{SITE: "https://moved.prod.test"})
    given = replace(given, secrets={REFERENCE: {"connection": Secret("another")}})
    assert prod.apply(given) == ["configure", "turn on flows"]
    assert len(prod.sent("ImportSolutionAsync")) == before
    assert prod.maker.component("connectionreference", REFERENCE).live["connectionid"] == "another"


def test_a_value_that_somebody_changes_at_this_moment_is_a_conflict(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    given = wanted(package, package, **{SITE: "https://moved.prod.test"})
    intent = prod.platform.intend(prod.access, given, "configure")
    prod.maker.set_value(SITE, "https://somebody.else.test")
    with pytest.raises(ConflictError):
        prod.platform.perform(prod.access, given, "configure", intent)
    assert prod.platform.look_up(prod.access, given, "configure", intent) is Found.UNCLEAR


def test_an_edit_that_somebody_makes_at_this_moment_is_not_removed(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    prod.edit_flow("Zulu", lambda actions: actions["Do"].update(inputs="edited"))
    given = wanted(package, package)
    intent = prod.platform.intend(prod.access, given, "remove live edits")
    prod.edit_flow("Zulu", lambda actions: actions["Do"].update(inputs="edited again"))
    with pytest.raises(ConflictError):
        prod.platform.perform(prod.access, given, "remove live edits", intent)
    assert prod.apply(given)[0] == "remove live edits"


# Away with it.


def test_what_others_need_is_not_uninstalled(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    child = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Zulu")}}}
    prod.maker.install(Solution(name="Billing", managed=True).flow("Bill", flow({"Ask": child})).build())
    told = prod.problems(wanted(None, package))
    assert "component there needs Orders: process Bill of Billing" in told


def test_a_removal_whose_answer_was_lost_is_found_again(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    given = wanted(None, package)
    intent = prod.platform.intend(prod.access, given, "uninstall")
    prod.environment.faults.cut_before("UninstallSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "uninstall", intent)
    assert prod.platform.look_up(prod.access, given, "uninstall", intent) is Found.UNTOUCHED
    prod.environment.faults.cut_after("UninstallSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "uninstall", intent)
    assert prod.look(given, "uninstall", intent) == (True, Found.REACHED)
    assert prod.held is None


def test_where_there_is_no_asynchronous_removal_the_solution_is_deleted(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    text = "Resource not found for the segment 'UninstallSolutionAsync'."
    prod.environment.faults.refuse("UninstallSolutionAsync", status=404, code="0x80060888", text=text)
    assert prod.apply(wanted(None, package)) == ["uninstall"]
    assert prod.held is None
    assert any(entry.method == "DELETE" for entry in prod.environment.requests)


def test_an_unmanaged_solution_is_not_taken_for_one_that_can_be_uninstalled(prod: Prod) -> None:
    prod.maker.load(solution(managed=False).build())
    given = wanted(None, solution().build())
    assert "would leave everything in it behind" in prod.problems(given)
    with pytest.raises(PlatformRefusedError):
        prod.take("uninstall", given)


# Out of dev.


def scope(*names: str) -> Scope:
    return Scope("orders", contains=names or ("Orders",))


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
