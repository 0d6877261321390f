"""What names and values promise: secrets, addresses, people; and addresses that are the same for everybody."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from lampway.domain.package import Role

_SECRET_WORDS = {
    "password", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "tokens", "authorization", "apikey",
    "accesskey", "privatekey", "secretkey", "credential", "credentials", "bearer", "jwt", "connectionstring", "sas",
    "pfx", "clientsecret",
}  # fmt: skip
_KEY_OWNERS = {
    "api", "access", "private", "subscription", "account", "shared", "master", "auth", "encryption", "signing",
    "secret", "client", "storage", "function", "functions", "service", "app", "license", "ssh", "host",
}  # fmt: skip
_HARMLESS = re.compile(r"types?|names?|ur[il]\w*|id\w?\w?|expiry|lifetime|count|limit|max|length")
"""What follows the word for a secret where the value is none: its address, its id, how long it lasts."""
_ENDPOINT_KEYS = {
    "uri", "url", "dataset", "organization", "server", "host", "hostname", "site", "siteurl", "siteaddress", "baseurl",
    "endpoint", "instanceurl", "datasetname", "webhook", "callbackurl", "address", "database",
}  # fmt: skip
_IDENTITY = re.compile(
    r"[^@\s/:;,]+@[^@\s/:;,]+\.[A-Za-z]{2,}(?:\s*[;,]\s*[^@\s/:;,]+@[^@\s/:;,]+\.[A-Za-z]{2,})*[;,]?\s*"
)
_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/\\,]\S*)?")
_ADDRESS = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+)")
_EVERYWHERE = frozenset({
    "graph.microsoft.com", "management.azure.com", "management.core.windows.net", "login.microsoftonline.com",
    "login.windows.net", "global.consent.azure-apim.net", "schemas.openxmlformats.org", "schema.management.azure.com",
    "schemas.microsoft.com", "service.powerapps.com", "service.flow.microsoft.com", "flow.microsoft.com",
    "make.powerautomate.com", "make.powerapps.com", "make.gov.powerautomate.us", "make.high.powerautomate.us",
    "make.powerautomate.appsplatform.us", "aka.ms", "go.microsoft.com", "learn.microsoft.com", "docs.microsoft.com",
    "adaptivecards.io", "www.w3.org", "api.powerplatform.com", "api.powerapps.com", "api.flow.microsoft.com",
    "api.bap.microsoft.com", "licensing.powerplatform.microsoft.com", "microsoft.com",
})  # fmt: skip
_ASSEMBLY = re.compile(r"PublicKeyToken=(?:[0-9a-fA-F]{16}|null)")
"""Part of the name of every assembly that a process or a plug-in uses: public, and the same for everybody."""
_EVERYWHERE_ENDS = (".azureedge.net", ".azurefd.net")
_UNSET_STARTS = frozenset(("", " ", "\t", "\n", "\r", "{", "[", "n"))
_UNSET = re.compile(r"\s*(?:\{\s*\}|\[\s*\]|null)?\s*")


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case: `xApi_key` gives x, api, key."""
    return tuple(re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[-300:]).lower()))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a value under this name is likely a secret."""
    words = words_of(name)
    if _SECRET_WORDS & set(words):
        return not any(_HARMLESS.fullmatch(word) for word in words[1:])
    return any(key == "key" and owner in _KEY_OWNERS for owner, key in pairwise(words))


def printable(text: str) -> str:
    """Return a text with a mark in the place of everything that does not print."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def is_unset(text: str) -> bool:
    """Return whether a value is none: empty, or an empty list or object."""
    return len(text) < 20 and text[:1] in _UNSET_STARTS and _UNSET.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Return whether a text points at one system: an address, a host, or an id by which environments differ."""
    bare = neutral(text.strip()[:2000])
    return "://" in bare or _GUID.fullmatch(bare) is not None or _IDENTITY.fullmatch(bare) is not None


def neutral(text: str) -> str:
    """Return a text in which addresses that are the same for every environment are no addresses.

    Those are the platform's own, of schemas, of icons and of documentation. Assemblies lose their public tokens.
    """
    if "PublicKeyToken=" in text:
        text = _ASSEMBLY.sub("", text)
    return _ADDRESS.sub(_without_scheme, text) if "://" in text else text


def _without_scheme(found: re.Match[str]) -> str:
    return found["host"] if is_platform_host(found["host"]) else found[0]


def is_platform_host(host: str) -> bool:
    """Return whether a host is the platform's own, the same for every environment."""
    lowered = host.lower().rstrip(".")
    return lowered in _EVERYWHERE or lowered.endswith(_EVERYWHERE_ENDS)


def role_of(key: str, value: str) -> Role:
    """Return what a text is for, by the name beside it and by its own form."""
    bare = value.strip()
    if len(bare) in {36, 38} and _GUID.fullmatch(bare):
        return Role.SECRET_SLOT if is_secret_name(key) and "id" not in words_of(key) else Role.RESOURCE_ID
    if "@" in bare and _IDENTITY.fullmatch(bare[:500]):
        return Role.IDENTITY
    words = words_of(key.rpartition("/")[2])
    if "".join(words) in _ENDPOINT_KEYS or (words and words[-1] in _ENDPOINT_KEYS - {"dataset", "site", "database"}):
        address = _ADDRESS.match(bare)
        host = address["host"] if address else bare.partition("/")[0]
        is_fixed = ("://" in bare or _HOST.fullmatch(bare)) and not is_platform_host(host)
        return Role.ENDPOINT if is_fixed else Role.RESOURCE_ID
    if bare.startswith("@") or "@{" in bare or ("://" in bare and re.search(r"\s", bare)):
        return Role.CODE
    return Role.TEXT
