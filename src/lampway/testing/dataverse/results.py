"""What is told about an import afterwards: the result, and the sheet that people open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from lampway.testing.dataverse.kinds import layer_name
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Package
from lampway.testing.dataverse.state import ImportJob

_HEAD = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
)


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
    """Return the sheet with what was done to every component."""
    kind = "Managed" if package.managed else "Unmanaged"
    facts = [
        ["Solution"],
        ["Name", package.unique_name],
        ["Display Name", package.friendly_name],
        ["Description", package.description],
        ["Version", package.version],
        ["Package Type", kind],
        ["Publisher"],
        ["Name", package.publisher.unique_name],
        ["Display Name", package.publisher.friendly_name],
        ["Status", "Processed"],
        ["Message", error],
        ["Progress [%]", f"{job.progress:.2f}"],
        ["Duration [s]", f"{(organisation.now() - job.started).total_seconds():.1f}"],
    ]
    heads = [
        "Date/Time", "ItemType", "Id", "Name", "Localized Name", "Original Name", "Description", "Status",
        "ErrorCode", "ErrorText",
    ]  # fmt: skip
    time = f"{organisation.now():%H:%M:%S.00}"
    rows = [
        [time, layer_name(part.kind), part.id, part.name, part.name, "", "", "Processed", "", ""]
        for part in package.parts.values()
    ]
    return _HEAD + _sheet("Solution", facts) + _sheet("Components", [heads, *rows]) + "</Workbook>"


def _sheet(name: str, rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{escape(one)}</Data></Cell>' for one in row) + "</Row>"
        for row in rows
    )
    return f'<Worksheet ss:Name="{name}"><Table>{cells}</Table></Worksheet>'
