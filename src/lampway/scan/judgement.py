"""Judging a text: is it a placeholder, an expression, a secret's name, a plausible secret?"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Set as AbstractSet
from functools import lru_cache

from lampway.domain.secret import is_reference


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EXPRESSION = re.compile(
    r"\$\{[^}\n]{1,200}\}|\{\{[^\n]{0,500}?\}\}|\$\([^)\n]{1,100}\)|#\{[^}\n]{1,100}\}|%[A-Za-z_]{2,40}%|"
    r"\$env:\w{1,60}|<%[^%\n]{0,200}%>|@\{[^}\n]{1,500}\}"
)
_WHOLE_EXPRESSION = re.compile(
    r"=\{\{|@[A-Za-z]+\(|\$[A-Z_][A-Z0-9_]*$|\$[a-z]+\.[a-z]|process\.env|env\.get|"
    r"(?:msg|flow|global|vars)\.[A-Za-z_]"
)
_PLACEHOLDER = re.compile(
    r"your[ _-]?|example|placeholder|change[ _-]?me|insert|replace|dummy|sample|redacted|to[ _-]?do\b|xxx|\*\*\*|"
    r"\.\.\.|…|<[^>]{1,60}>|\[[a-z _-]{3,60}\]|\bmy[ _-]?(?:api|secret|token|password|key)|"
    r"lorem|(?:goes|put|enter|fill)[ _-]|foobar",
    re.IGNORECASE,
)
_NOTHING = _words(
    "true false null none nil undefined yes no on off string text password passwd pwd pass secret token bearer basic "
    "key apikey hidden required optional empty default n/a na - test user username credentials str msg flow global env "
    "jsonata date bool num json cred header query"
)
_DOCUMENTED = ("SflKxwRJSMeK", "TJVA95OrM7E2", "abcdefghijklmnop")
"""Signatures of the sample tokens in every text about JWT, and the alphabet."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IGNORED_ENDS = _words("value literal text string base64 prod production dev test staging live old new current 1 2 3")
_PASSWORDS = _words("password passwd passwort kennwort passphrase pwd pass pw")
_KEYS = _words("secret token apikey authorization credential accesskey authkey secretkey apitoken authtoken bearer")
_KEY_KINDS = _words(
    "api access auth secret private account subscription functions function encryption signing master app shared "
    "license service admin storage client"
)
_HARMLESS_TOKENS = _words(
    "page next continuation cancellation sync csrf xsrf delta skip max min num total stop pad eos bos"
)
_HARMLESS_KEYS = _words("primary foreign partition sort cache row public hash group object idempotency item")
_GLUED_PASSWORDS = ("password", "passwd", "passwort", "passphrase")
_GLUED_KEYS = ("apikey", "secret", "token", "accesskey")
_IDENTIFIER_PATH = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|\[|->|::)[\w$'\"\]]+)+$")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_SCHEME = re.compile(r"(?:bearer|basic|token|apikey|digest|key|sso-key|splunk) +", re.IGNORECASE)


def entropy(text: str) -> float:
    """Return Shannon's entropy in bits per character."""
    if not text:
        return 0.0
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())


def is_expression(text: str) -> bool:
    """Return whether the text is filled in at run time, wholly or in all that could be secret."""
    stripped = text.strip()
    if _WHOLE_EXPRESSION.match(stripped) or is_reference(stripped):
        return True
    rest = _EXPRESSION.sub("", stripped)
    return rest != stripped and not _is_random(_SCHEME.sub("", rest.strip()))


def is_placeholder(text: str, names: AbstractSet[str] = frozenset()) -> bool:
    """Return whether the text only stands for a value: empty, `YOUR_API_KEY`, `****`, `<token>`, a declared name."""
    stripped = _SCHEME.sub("", text.strip(), count=1).strip("\"'` ")
    if not stripped or stripped in names or len(set(stripped.lower())) == 1:
        return True
    return _PLACEHOLDER.search(stripped) is not None and not _is_random(stripped)


def is_documented(token: str) -> bool:
    """Return whether a token is one of those that documentation is full of, or made by holding down keys."""
    if any(run in token for run in _DOCUMENTED):
        return True
    return len(token) >= 16 and entropy(token[-32:]) < 2.2


@lru_cache(maxsize=4096)
def secret_kind(name: str) -> str:
    """Return what a name promises: `password`, `key`, `perhaps` (some other key), or nothing."""
    last = re.split(r"[./\\\s>]+", name[-200:].strip().rstrip("\"'`]): "))[-1]
    words = [word.lower() for word in _WORD.findall(last)]
    while len(words) > 1 and words[-1] in _IGNORED_ENDS:
        words.pop()
    word = words[-1] if words else ""
    before = words[-2] if len(words) > 1 else ""
    if word in _PASSWORDS or word.endswith(_GLUED_PASSWORDS):
        return "password"
    if word in _KEYS or word.endswith(_GLUED_KEYS):
        return "" if before in _HARMLESS_TOKENS else "key"
    if word == "key" and before and before not in _HARMLESS_KEYS:
        return "key" if before in _KEY_KINDS else "perhaps"
    return ""


def is_plausible(value: str, kind: str, name: str) -> bool:
    """Return whether a value beside a name that promises a secret is one, rather than a label, a type or a path."""
    bare = _SCHEME.sub("", value.strip(), count=1)
    if _is_word(bare, name) or _is_place(bare):
        return False
    if kind == "password":
        return len(bare) >= 4
    mixed = bool(re.search(r"\d", bare)) and bool(re.search(r"[A-Za-z]", bare))
    if not mixed or kind == "perhaps":
        return len(bare) >= 20 and entropy(bare) >= (3.0 if mixed else 3.7)
    return len(bare) >= 8 and entropy(bare) >= 2.8


def is_strong(value: str) -> bool:
    """Return whether guessing cannot find the value again from a short digest of it."""
    return len(value) >= 20 and entropy(value) >= 3.0 and len(set(value)) >= 10 and not _UUID.match(value)


def _is_word(bare: str, name: str) -> bool:
    """Return whether it is a word of the trade, the name itself, or several words."""
    lowered = bare.lower()
    return lowered in _NOTHING or _letters(lowered) == _letters(name) or re.search(r"\s", bare) is not None


def _is_place(bare: str) -> bool:
    """Return whether it says where a value is: an address, a path, `config.auth.token`."""
    if "://" in bare or bare.startswith(("/", "./", "#", ".")) or bare.endswith((":", "(", "=>")):
        return True
    return _IDENTIFIER_PATH.match(bare) is not None and sum(char.isdigit() for char in bare) < 4


def _is_random(text: str) -> bool:
    """Return whether a text is too mixed for words such as *your* or *sample* in it to be more than chance."""
    return len(text) >= 16 and " " not in text and sum(c.isdigit() for c in text) >= 4 and entropy(text) >= 3.8


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
