"""What looks like a password, key or token: refused in a config, which is written beside results; masked elsewhere."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

HIDDEN = "[hidden]"
SHORTEST = 8
"""Characters of a secret at least; what is shorter is a placeholder that may be any word."""

_PARTS = (
    *("apikey", "accesskey", "privatekey", "secret", "passw", "passphrase", "pwd", "credential", "signature"),
    *("authoriz", "authentic", "bearer", "cookie", "jwt", "headers", "keypairid", "accessid", "sessionid"),
)
_ENDS = ("token", "key", "auth")
_WHOLE = {"sig", "sign", "pass", "pw", "sas", "hmac", "ticket", "otp", "tkn", "session", "sid"}
_HARMLESS = {f"{kind}token" for kind in ("eos", "bos", "pad", "unk", "sep", "mask", "stop", "image")}
_HARMLESS |= {"promptcachekey", "cachekey", "sortkey", "partitionkey"}
_NAMED_HASHES = {"id", "fileid", "oid", "ref", "rev", "revision", "commit", "hash", "checksum", "etag", "md5", "doi"}
_NAMED_HASHES |= {"sha", "sha1", "sha256", "sha512", "version", "versionid", "persistentid"}
_NAMED_HASHES |= {"file", "filename", "name", "path", "title", "q", "query", "f", "uuid", "guid", "handle", "pid"}
_NAMED_HASHES |= {"dataset", "datasetid", "record", "recordid", "resource", "resourceid", "documentid"}
_FOR_A_WHILE = {"expires", "expire", "expiry"}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_USERINFO = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_PAIR = re.compile(r"""([A-Za-z0-9_.\-\[\]]+)['"]?\s*[=:]\s*['"]?([^&;/?#~,\s'"{}\[\]]+)""")
_QUERY = re.compile(r"(?<![\w.-])([\w.\-\[\]]+)=(?=([^&;/?#~,=]*))")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|gsk|hf|r8|gh[opsur]|github_pat|glpat|xox[a-z]|pat|nvapi|tgp|xai|pplx|lsv2|dop|npm)[-_][A-Za-z0-9_-]{14,}"
    r"|A[KS]IA[0-9A-Z]{16}|dapi[0-9a-f]{32}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_SCHEME = re.compile(r"\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY")


def is_secret_name(name: str) -> bool:
    """Whether values of this name are usually secret: api_key, X-Amz-Signature, accessToken."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _HARMLESS:
        return False
    return plain in _WHOLE or plain.endswith(_ENDS) or any(part in plain for part in _PARTS)


def is_secret_text(text: str) -> bool:
    """Whether a text holds an address with a password, token or signature, or a key of a well-known form."""
    named = "://" in text and any(is_secret_name(name) for name, _ in _QUERY.findall(text))
    found = _SCHEME.findall(text) + _PREFIXED.findall(text)
    found += [value for name, value in _PAIR.findall(text) if is_secret_name(name)]
    return named or bool(_USERINFO.search(text)) or any(map(_keylike, found))


def check_variable(name: str) -> str:
    """The name of an environment variable. Raises ValueError, without the value, where it may be the secret itself."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise ValueError(
            "the NAME of an environment variable, in capitals, is needed (as OPENAI_API_KEY), never the key itself"
        )
    return name


def split(url: str) -> SplitResult:
    """The parts of an address. Raises ValueError, without the address, where it is none."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
        (parts.hostname or "").encode("idna")  # a label that is empty or too long
    except ValueError:
        valid = False
    if not valid or " " in url:
        raise ValueError("an address like https://example.org/file or http://localhost:8000/v1 is needed")
    return parts


def secret_of_address(url: str) -> str | None:
    """What in an address looks secret, in words without the secret itself; None where nothing does.

    Raises ValueError where it is no address.
    """
    plain = _decoded(url)
    if "@" in split(url).netloc or _USERINFO.search(plain):
        return "a name or password before the host"
    _, _, rest = plain.partition("://")
    for name, value in _QUERY.findall(rest):
        plain_name = re.sub(r"[^a-z0-9]", "", name.lower())
        named_hash = plain_name in _NAMED_HASHES
        if plain_name in _FOR_A_WHILE:
            return f"{name}=…, as signed addresses do that hold only for a while"
        if is_secret_name(name) or (_random(value) and not named_hash):
            return f"{name}=…, which looks like a key, token or signature"
    bare = [part for part in re.split(r"[?#&;]", rest)[1:] if "=" not in part]
    return "something that looks like a key or token" if is_secret_text(plain) or any(map(_random, bare)) else None


def secret_of_parameters(value: Any, path: str = "") -> str | None:
    """The place of what looks secret in nested values; None where nothing does."""
    for name, inner in _entries(value):
        place = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and is_secret_text(name):
            return f"a name in {path or 'it'}"
        if isinstance(value, Mapping) and is_secret_name(name) and _may_be_secret(name, inner):
            return place
        if isinstance(inner, str) and (is_secret_text(inner) or _is_bare_key(inner)):
            return place
        if found := secret_of_parameters(inner, place):
            return found
    return None


def _may_be_secret(name: str, value: Any) -> bool:
    """A switch is no secret; of a property of a JSON schema that is called key or token, only what it holds may be."""
    return not (isinstance(value, bool) or (isinstance(value, Mapping) and name.lower().endswith(_ENDS)))


def _is_bare_key(text: str) -> bool:
    """Whether a text is only letters and digits in a mix that no word or name has."""
    return bool(re.fullmatch(r"[A-Za-z0-9_-]{24,}", text)) and _random(text) and not _UUID.fullmatch(text)


def secrets_in(config: Any, values: Mapping[str, str]) -> list[str]:
    """A line for each key of a config that holds a secret: by its form, or a value of `values`, by its name."""
    problems = []
    for place, text in _texts(config, ""):
        held = [name for name, value in values.items() if len(value) >= SHORTEST and value in text]
        if held or is_secret_text(text):
            what = f"the value of the environment variable {held[0]}" if held else "a password, key or token"
            problems.append(
                f"config key {place}: holds {what}, and the config is written beside the results: take it out; secrets "
                "go into environment variables"
            )
    return problems


def masked(text: str) -> str:
    """A text to be shown, without what looks secret in it."""

    def pair(match: re.Match[str]) -> str:
        secret = is_secret_name(match[1])
        return match[0][: match.start(2) - match.start()] + HIDDEN if secret else match[0]

    text = _USERINFO.sub(f"{HIDDEN}@", text)
    for known in (_SCHEME, _PREFIXED):
        text = known.sub(lambda match: HIDDEN if _keylike(match[0]) else match[0], text)
    return _PAIR.sub(pair, text)


def _decoded(url: str) -> str:
    while (plain := unquote(url)) != url:
        url = plain
    return url


def _keylike(text: str) -> bool:
    """Whether what follows the prefix of a key is a key, and not a name of hyphenated words."""
    runs = re.findall(r"[A-Za-z0-9]{8,}", text)
    return _random(text) or any(len(run) >= 20 or (len(run) >= 12 and re.search(r"\d", run)) for run in runs)


def _random(text: str) -> bool:
    """Sixteen characters or more that change between capitals, small letters and digits as no word or number does.

    Or thirty-two letters and digits in a row.
    """
    if any(re.search(r"\d", run) and re.search("[A-Za-z]", run) for run in re.findall(r"[A-Za-z0-9]{32,}", text)):
        return True
    kinds = [0 if c.isdigit() else 1 if c.isupper() else 2 for c in text if c.isascii() and c.isalnum()]
    changes = sum(one != two for one, two in pairwise(kinds))
    return len(kinds) >= 16 and 4 * changes >= len(kinds)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), inner) for name, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(number), inner) for number, inner in enumerate(value))


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    for name, inner in _entries(value):
        yield from _texts(inner, f"{place}.{name}" if place else name)
