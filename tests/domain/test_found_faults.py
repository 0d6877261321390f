"""What a package reader knows and what a scanner finds at one place is one finding."""

from __future__ import annotations

from lampway.domain.package import Finding, Inspection, Inventory, Severity

INVENTORY = Inventory("p", "s", "1", None, "f", ())


def finding(rule: str, severity: Severity, place: str, fingerprint: str = "") -> Finding:
    return Finding(rule, severity, place, f"{rule} here", f"fix {rule}", fingerprint)


def test_one_place_is_one_finding_with_the_readers_advice() -> None:
    own = finding("leak", Severity.ENDPOINT, "a")
    found = Inspection(INVENTORY, findings=(own,)).faults([finding("address", Severity.ENDPOINT, "a")])
    assert found == (own,)


def test_a_secret_at_the_same_place_makes_it_a_secret() -> None:
    own = finding("leak", Severity.ENDPOINT, "a")
    (found,) = Inspection(INVENTORY, findings=(own,)).faults([finding("token", Severity.SECRET, "a", "0123")])
    assert (found.rule, found.severity, found.fingerprint) == ("leak", Severity.SECRET, "0123")
    assert found.summary == "leak here; token here"
    assert found.fix == "fix leak"


def test_a_matter_of_governance_hides_nothing() -> None:
    own, other = finding("open", Severity.GOVERNANCE, "a"), finding("token", Severity.SECRET, "a")
    assert Inspection(INVENTORY, findings=(own,)).faults([other]) == (own, other)


def test_findings_elsewhere_stay_as_they_are() -> None:
    other = finding("token", Severity.SECRET, "b")
    assert Inspection(INVENTORY, findings=(finding("leak", Severity.ENDPOINT, "a"),)).faults([other])[1] == other


def test_a_platform_may_say_how_addresses_are_put_right_there() -> None:
    scanned = [finding("address", Severity.ENDPOINT, "a"), finding("token", Severity.SECRET, "b")]
    found = Inspection(INVENTORY, endpoint_fix="use a variable").faults(scanned)
    assert [one.fix for one in found] == ["use a variable", "fix token"]


def test_without_a_reader_of_its_own_nothing_changes() -> None:
    scanned = [finding("address", Severity.ENDPOINT, "a")]
    assert Inspection(INVENTORY).faults(scanned) == tuple(scanned)
