"""What is told about an import afterwards: the result, and the sheet that people open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from lampway.testing.dataverse.kinds import layer_name
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Package, parse, text_of
from lampway.testing.dataverse.state import ImportJob

_HEAD = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
)


_HEADS = (
    "Date/Time", "ItemType", "Id", "Name", "Localized Name", "Original Name", "Description", "Status", "ErrorCode",
    "ErrorText",
)  # fmt: skip
_ADDRESS = (
    ("City", "City"), ("Country/Region", "Country"), ("Street 1", "Line1"), ("Street 2", "Line2"),
    ("ZIP/Postal Code", "PostalCode"), ("State/Province", "StateOrProvince"), ("Phone", "Telephone1"),
)  # fmt: skip


def operation_result(type_: str, error: str, warnings: Sequence[str], sheet: str) -> dict[str, Any]:
    """Return the result of a solution operation."""
    return {
        "FormattedResults": sheet,
        "Type": type_,
        "Status": "Failed" if error else "Passed",
        "WarningMessages": [{"Message": text, "Code": -2147089305} for text in warnings],
        "ErrorMessages": [{"Message": error, "Code": -2147188706}] if error else [],
        "ActionLink": {"Label": None, "Target": None},
    }


def formatted_results(organisation: Organisation, package: Package, job: ImportJob, error: str) -> str:
    """Return the sheet about a solution, and the one with what was done to every component."""
    time = f"{organisation.now():%H:%M:%S.00}"
    rows = [
        [time, layer_name(part.kind), part.id, part.name, part.name, "", "", "Processed", "", ""]
        for part in package.parts.values()
    ]
    facts = [*_about(package), *_publisher(package), *_course(organisation, job, error)]
    return _HEAD + _sheet("Solution", facts) + _sheet("Components", [list(_HEADS), [""] * 10, *rows]) + "</Workbook>"


def _about(package: Package) -> list[list[str]]:
    return [
        ["Solution"],
        ["Name", package.unique_name],
        ["Display Name", package.friendly_name],
        ["Description", package.description],
        ["Version", package.version],
        ["Package Type", "Managed" if package.managed else "Unmanaged"],
        [],
    ]


def _publisher(package: Package) -> list[list[str]]:
    one = parse(package.manifest).find("SolutionManifest/Publisher")
    address = one.find("Addresses/Address") if one is not None else None
    described = one.find("Descriptions/Description") if one is not None else None
    return [
        ["Publisher"],
        ["Name", package.publisher.unique_name],
        ["Display Name", package.publisher.friendly_name],
        ["Description", described.get("description", "") if described is not None else ""],
        ["Email", text_of(one.find("EMailAddress")) if one is not None else ""],
        ["Website", text_of(one.find("SupportingWebsiteUrl")) if one is not None else ""],
        *([label, text_of(address.find(name)) if address is not None else ""] for label, name in _ADDRESS),
        [],
    ]


def _course(organisation: Organisation, job: ImportJob, error: str) -> list[list[str]]:
    now = organisation.now()
    return [
        ["Status", "Processed"],
        ["Message", error],
        ["Progress [%]", f"{job.progress:.2f}"],
        ["Duration [s]", f"{(now - job.started).total_seconds():.1f}"],
        ["ActivityId [s]", ""],
        ["StartTime [s]", _long_time(job.started)],
        ["StopTime [s]", _long_time(now)],
    ]


def _long_time(when: datetime) -> str:
    return f"{when:%m/%d/%Y %H:%M:%S}.{when.microsecond // 1000:03d} (UTC) Coordinated Universal Time"


def _sheet(name: str, rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{escape(one)}</Data></Cell>' for one in row) + "</Row>"
        for row in rows
    )
    return f'<Worksheet ss:Name="{name}"><Table>{cells}</Table></Worksheet>'
