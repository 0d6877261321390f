"""What separates two solutions is told in the words of whoever builds them, and what cannot be taken back is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampway.domain.package import Reversibility
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import (
    Solution,
    after,
    call,
    column,
    compose,
    control,
    flow,
    form,
    http_trigger,
    msapp,
    recurrence,
    request,
    view,
)

FORMAT = SolutionFormat()
KEY = "q8Zf3vT1xLr7Wm2Kd9Yb5Hc0Nj4Sg6Pa"


def diff(old, new):
    return FORMAT.diff(old.build(), new.build())


def words(old, new):
    """Return every summary, without the name of the component in front where it is the flow *Notify*."""
    return [line.removeprefix("flow *Notify*: ") for line in diff(old, new).summaries()]


def notify(actions=None, **more):
    return Solution().flow("Notify", flow(actions or {}, **more))


GET = call("shared_sharepointonline", "GetItems", dataset="https://contoso.sharepoint.com")
SEND = call("shared_office365", "SendEmailV2", **{"emailMessage/To": "a@contoso.com"})


def test_a_schedule_is_told_as_people_say_it():
    assert words(notify(trigger=recurrence("Day")), notify(trigger=recurrence("Hour"))) == [
        "trigger changed from daily to hourly"
    ]
    assert words(notify(trigger=recurrence("Minute", 15)), notify(trigger=recurrence("Week"))) == [
        "trigger changed from every 15 minutes to weekly"
    ]
    assert words(notify(trigger=recurrence("Day")), notify(trigger=http_trigger())) == [
        "trigger changed from daily to an HTTP request"
    ]


def test_an_action_that_came_in_between_is_one_change():
    old = notify({"Get_items": GET, "Store": after(compose("x"), "Get_items")})
    new = notify({"Get_items": GET, "Send_mail": after(SEND, "Get_items"), "Store": after(compose("x"), "Send_mail")})
    assert words(old, new) == ["action *Send mail* (SendEmailV2 of office365) added after *Get items*"]
    assert words(new, old) == ["action *Send mail* (SendEmailV2 of office365) removed"]


def test_running_after_failure_is_told():
    old = notify({"Get": GET, "Send": after(SEND, "Get")})
    new = notify({"Get": GET, "Send": after(SEND, "Get", results=("Succeeded", "Failed"))})
    assert words(old, new) == ["action *Send*: now runs also after failure of *Get*"]
    assert words(new, old) == ["action *Send*: no longer runs after failure of *Get*"]


def test_the_spelling_of_results_is_no_difference():
    old, new = (notify({"A": GET, "B": after(SEND, "A", results=(how,))}) for how in ("SUCCEEDED", "Succeeded"))
    assert diff(old, new).is_empty


def test_a_renamed_action_is_no_other_action():
    old = notify({"Compose": compose("x"), "Send": after(compose("@outputs('Compose')"), "Compose")})
    new = notify({"Greeting": compose("x"), "Send": after(compose("@outputs('Greeting')"), "Greeting")})
    assert words(old, new) == ["action *Compose* renamed to *Greeting*"]


def test_another_order_is_told():
    old = notify({"A": compose(1), "B": compose(2), "C": after(compose(3), "A")})
    new = notify({"A": compose(1), "B": compose(2), "C": after(compose(3), "B")})
    assert words(old, new) == ["action *C*: now runs after *B* instead of *A*"]


def test_moving_into_a_branch_and_out_of_it_is_told():
    check = {"type": "If", "expression": {"and": [{"equals": ["@x()", 1]}]}}
    old = notify({"Check": check, "Send": SEND})
    new = notify({"Check": {**check, "else": {"actions": {"Send": SEND}}}})
    assert words(old, new) == ["action *Send*: moved into *Check* (else)"]


def test_a_condition_is_told_as_people_write_it():
    old, new = (
        notify({"Check": {"type": "If", "expression": {"and": [{how: ["@x()", 1]}]}}}) for how in ("equals", "greater")
    )
    assert words(old, new) == ["action *Check*: condition changed from `@x() = 1` to `@x() > 1`"]


def test_what_an_action_is_given_is_told_under_the_name_the_designer_shows():
    other = call("shared_office365", "SendEmailV2", **{"emailMessage/To": "b@contoso.com"})
    assert words(notify({"Send": SEND}), notify({"Send": other})) == [
        "action *Send*: *emailMessage/To* changed from `a@contoso.com` to `b@contoso.com`"
    ]


def test_another_operation_is_told():
    other = call("shared_office365", "SendEmailV3", **{"emailMessage/To": "a@contoso.com"})
    assert words(notify({"Send": SEND}), notify({"Send": other})) == [
        "action *Send*: now SendEmailV3 of office365 instead of SendEmailV2 of office365"
    ]


def test_a_made_up_result_switched_on_is_told():
    mocked = {**compose("x"), "runtimeConfiguration": {"staticResult": {"staticResultOptions": "Enabled"}}}
    assert words(notify({"A": compose("x")}), notify({"A": mocked})) == [
        "action *A*: static result switched on: it returns a made-up result"
    ]


def test_secrets_are_never_shown():
    def asking(key):
        headers = {"Authorization": f"Bearer {key}", "x-functions-key": key}
        uri = f"https://contoso.com/?code={key}&sig={key}"
        return notify({"Ask": request(uri, headers=headers)}, variables={"con_ApiKey": key})

    old, new = asking(KEY), asking(KEY[::-1])
    told = " ".join(words(old, new))
    assert "Authorization" in told
    assert "con_ApiKey" in told
    assert KEY not in told
    assert KEY[::-1] not in told


def test_on_and_off_and_another_name_are_told():
    old, new = Solution().flow("Notify", flow({})), Solution().flow("Notify", flow({}), on=False)
    assert words(old, new) == ["turned off"]
    assert words(new, old) == ["turned on"]


def test_connections_and_variables_of_a_flow_are_told():
    old = notify(references={"shared_a": "con_a", "shared_b": ""}, variables={"con_Old": ""})
    new = notify(references={"shared_a": "con_other", "shared_b": "con_b"}, variables={"con_New": ""})
    assert set(words(old, new)) == {
        "connection shared_a: now with reference *con_other*, before with reference *con_a*",
        "connection shared_b: now with reference *con_b*, before without one",
        "now uses environment variable *con_New*",
        "no longer uses environment variable *con_Old*",
    }


def test_fields_that_are_asked_for_are_told():
    def asking(**fields):
        properties = {key: {"type": kind, "title": key.title()} for key, kind in fields.items()}
        return notify(trigger=http_trigger(schema={"type": "object", "properties": properties}))

    assert words(asking(a="string", b="string"), asking(a="number", c="string")) == [
        "trigger: field *C* (string) added",
        "trigger: field *B* (string) removed",
        "trigger: field *A* (number) now number instead of string",
    ]


def test_what_an_environment_must_give_in_addition_is_noted():
    new = Solution().variable("con_Site").variable("con_N", "number", default="1").reference("con_sp").needs("con_t")
    notes = diff(Solution(), new).notes
    assert "environment variable con_Site is added, and is required: it has no default" in notes
    assert "environment variable con_N is added, and has a default" in notes
    assert "connection reference con_sp must be given a connection in every environment" in notes
    assert "unmanaged table con_t is now needed" in notes
    old = Solution().variable("con_Site", default="x")
    assert "environment variable con_Site has no default any more" in diff(old, Solution().variable("con_Site")).notes


def table(*columns, forms=(), views=()):
    return Solution().table("Order", columns, forms=forms, views=views)


TOTAL, NOTE = column("con_total", "decimal", shown="Total"), column("con_note", "ntext", shown="Note")


def test_a_column_that_goes_destroys_what_it_holds():
    found = diff(table(TOTAL, NOTE), table(TOTAL))
    assert found.summaries() == ("table *Order*: column *Note* (text area) removed: what it holds is destroyed",)
    assert found.reversibility is Reversibility.FORWARD_ONLY
    assert "destroys what is held by column *Note* of table Order: this cannot be taken back" in found.notes


def test_a_table_that_goes_destroys_what_it_holds():
    found = diff(table(TOTAL), Solution())
    assert [(c.type, c.name) for c in found.removed] == [("table", "Order")]
    assert found.reversibility is Reversibility.FORWARD_ONLY


def test_a_column_of_another_type_destroys_what_it_holds():
    found = diff(table(NOTE), table(column("con_note", "int", shown="Note")))
    assert "type changed from text area to whole number" in found.summaries()[0]
    assert found.reversibility is Reversibility.FORWARD_ONLY


def test_a_column_that_comes_is_taken_away_by_going_back():
    found = diff(table(TOTAL), table(TOTAL, NOTE))
    assert found.summaries() == ("table *Order*: column *Note* (text area) added",)
    assert found.reversibility is Reversibility.DATA_STEP
    assert any("going back takes column *Note* of table Order away again" in note for note in found.notes)


def test_settings_of_a_column_are_told_in_words_and_can_be_taken_back():
    old = table(column("con_name", shown="Name", MaxLength=100))
    new = table(column("con_name", shown="Name", MaxLength=50))
    assert words(old, new) == ["table *Order*: column *Name*: greatest length changed from `100` to `50`"]
    assert diff(old, new).reversibility is Reversibility.REVERSIBLE


def test_forms_and_views_are_told():
    old = table(TOTAL, NOTE, forms=[form("Information", ["con_total"])], views=[view("All", ["con_total"])])
    new = table(TOTAL, NOTE, forms=[form("Information", ["con_total", "con_note"])], views=[view("All", ["con_note"])])
    assert words(old, new) == [
        "table *Order*: main form *Information*: field *Note* added",
        "table *Order*: view *All*: column *Note* added; column *Total* removed",
    ]


def test_a_form_that_a_managed_package_gives_as_changes_only_is_not_compared():
    whole = form("Information", ["con_total", "con_note"])
    partial = form("Information", ["con_note"]).replace("<form>", '<form solutionaction="Modified">')
    old, new = (table(TOTAL, NOTE, forms=[one]) for one in (whole, partial))
    assert words(old, new) == [
        "table *Order*: main form *Information*: one package holds only what was changed in it, so it is not compared"
    ]


def test_privileges_are_told_by_whose_rows_they_reach():
    old = Solution().role("Clerk", prvReadAccount="Basic", prvWriteAccount="Global", prvDeleteAccount="Local")
    new = Solution().role("Clerk", prvReadAccount="Global", prvWriteAccount="Global", prvAppendToAccount="Deep")
    assert words(old, new) == [
        "security role *Clerk*: may read *Account*: the whole organisation instead of own rows",
        "security role *Clerk*: may no longer delete *Account*",
        "security role *Clerk*: may now append to *Account*: the business unit and those below",
    ]


def test_options_of_a_choice_are_told():
    old, new = Solution().choice("con_state", Open=1, Closed=2), Solution().choice("con_state", Open=1, Done=3)
    assert words(old, new) == [
        "choice *con_state*: option *Closed* (2) removed: rows that have it lose it",
        "choice *con_state*: option *Done* (3) added",
    ]


def shop(*tops, **more):
    return Solution().canvas("Shop", msapp(tops, **more))


def test_screens_controls_and_their_properties_are_told():
    old = shop(control("Home", "screen", [control("Go", "button", Visible="true", Text='"Go"')]))
    new = shop(
        control("Home", "screen", [control("Go", "button", Visible="false", Text='"Go"'), control("Back", "button")]),
        control("Orders", "screen", [control("List", "gallery")]),
    )
    assert words(old, new) == [
        "canvas app *Shop*: screen *Home*: button *Back* added",
        "canvas app *Shop*: screen *Home*: *Go*: property *Visible* changed from `true` to `false`",
        "canvas app *Shop*: screen *Orders* added, with 1 control",
    ]


def test_data_sources_of_an_app_are_told():
    old = shop(sources=[{"Name": "Orders", "DatasetName": "a", "Type": "X"}])
    new = shop(sources=[{"Name": "Orders", "DatasetName": "b", "Type": "X"}, {"Name": "Items", "Type": "X"}])
    assert words(old, new) == [
        "canvas app *Shop*: data source *Orders*: DatasetName changed from `a` to `b`",
        "canvas app *Shop*: data source *Items* added",
    ]


def test_scripts_are_told_by_their_lines():
    old, new = (Solution().web_resource("con_a.js", text) for text in ("one\ntwo\n", "one\nTWO\nthree\n"))
    assert words(old, new) == ["web resource *con_a.js*: content changed: lines +2 −1; first changed line: `TWO`"]


def test_identity_is_noted():
    assert "both carry version 1.0.0.0 and differ" in diff(Solution(), Solution().reference("con_a")).notes
    assert "the version goes back from 1.10 to 1.9" in diff(Solution(version="1.10"), Solution(version="1.9")).notes
    assert any("two solutions" in note for note in diff(Solution(), Solution(name="Other")).notes)
    assert any("publisher of the solution" in n for n in diff(Solution(), Solution(publisher="Fabrikam")).notes)


def test_a_solution_does_not_differ_from_itself():
    data = shop(control("Home", "screen")).flow("Notify", flow({"A": GET})).build()
    found = FORMAT.diff(data, data)
    assert found.is_empty
    assert (found.unchanged, found.notes) == (2, ())


ACTIONS = st.dictionaries(
    st.sampled_from("ABCDEF"), st.tuples(st.integers(0, 3), st.lists(st.sampled_from("ABCDEF"), max_size=2)), max_size=6
)


@settings(max_examples=150, deadline=None)
@given(ACTIONS, ACTIONS)
def test_two_flows_differ_in_words_exactly_when_they_differ(old, new):
    before, after_ = (
        notify({name: after(compose(value), *waits) for name, (value, waits) in actions.items()})
        for actions in (old, new)
    )
    found = diff(before, after_)
    same = {n: (v, set(w)) for n, (v, w) in old.items()} == {n: (v, set(w)) for n, (v, w) in new.items()}
    assert found.is_empty is same
    assert bool(found.changed) is not same
    assert all("show in no word" not in edit.summary for change in found.changed for edit in change.edits)


@pytest.mark.parametrize(
    "secret", ["aB18Q~x.Yz-0123.abcdefghij.KLMNOPQRS.tuv", KEY, f"https://x/?sv=1&sig={KEY}", "Basic YWRhOnNlY3JldA=="]
)
def test_values_that_look_like_secrets_become_stars_under_any_name(secret):
    told = " ".join(words(notify({"A": compose("x")}), notify({"A": compose(f"see {secret}")})))
    assert secret[-12:] not in told
    assert "********" in told


@pytest.mark.parametrize("key", ["password", "clientSecret", "x-api-key", "Authorization"])
def test_values_under_secret_names_become_stars(key):
    old, new = (notify({"A": compose({key: value})}) for value in ("first-value", "second-value"))
    told = " ".join(words(old, new))
    assert "first-value" not in told
    assert "second-value" not in told
