"""Records, with Microsoft's own client: PyPI `PowerPlatform-Dataverse-Client`. Prints one line of JSON."""

import json
import ssl
import sys
import time
import urllib.parse
import urllib.request

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

given = json.loads(sys.argv[1])


class Credential:
    """A token of the emulator; the client only asks for something that has this method."""

    def get_token(self, *scopes, **_options):
        form = {"grant_type": "client_credentials", "client_id": given["client"], "client_secret": given["secret"]}
        data = urllib.parse.urlencode({**form, "scope": scopes[0]}).encode()
        context = ssl.create_default_context(cafile=given["ca"])
        with urllib.request.urlopen(given["tokens"], data=data, context=context) as answer:
            found = json.load(answer)
        return AccessToken(found["access_token"], int(time.time()) + found["expires_in"])


told = {}
with DataverseClient(given["url"], Credential()) as client:
    records = client.records
    listed = records.list("solution", filter="uniquename eq 'Orders'", select=["uniquename", "version"])
    told["solutions"] = [[one["uniquename"], one["version"]] for one in listed]
    flows = records.list("workflow", filter="category eq 5 and statecode eq 1", select=["name", "statecode"])
    told["flows"] = [one["name"] for one in flows]
    records.update("workflow", flows[0]["workflowid"], {"statecode": 0, "statuscode": 1})
    told["state"] = records.retrieve("workflow", flows[0]["workflowid"])["statecode"]
    variables = records.list("environmentvariabledefinition", select=["schemaname"])
    told["variables"] = [one["schemaname"] for one in variables]
    bound = f"/environmentvariabledefinitions({variables[0]['environmentvariabledefinitionid']})"
    made = records.create(
        "environmentvariablevalue", {"value": "first", "EnvironmentVariableDefinitionId@odata.bind": bound}
    )
    records.update("environmentvariablevalue", made, {"value": "second"})
    told["value"] = records.retrieve("environmentvariablevalue", made)["value"]
    reference = records.list("connectionreference", select=["connectionreferencelogicalname"])[0]
    records.update("connectionreference", reference["connectionreferenceid"], {"connectionid": "c1"})
    told["bound"] = records.retrieve("connectionreference", reference["connectionreferenceid"])["connectionid"]
    publisher = records.list("publisher", filter="customizationprefix eq 'con'", select=["uniquename"])[0]
    solution = records.create(
        "solution",
        {
            "uniquename": "Made",
            "friendlyname": "Made by a client",
            "version": "1.0.0.0",
            "publisherid@odata.bind": f"/publishers({publisher['publisherid']})",
        },
    )
    records.update("solution", solution, {"version": "1.0.0.1"})
    told["made"] = records.retrieve("solution", solution)["version"]
    told["missing"] = records.retrieve("workflow", "11111111-1111-1111-1111-111111111111")
    told["pages"] = sum(1 for _ in records.list_pages("solution", page_size=2))
sys.stdout.write(json.dumps(told) + "\n")
