"""Proxies of the environment: which one an address is asked through, named in messages without its password."""

import os
from urllib.parse import unquote, urlsplit

from requests.utils import should_bypass_proxies

from semalign.config.secrets import masked

_NAMES = ("http_proxy", "https_proxy", "all_proxy")


def proxies() -> dict[str, str]:
    """The proxies of the environment by their variables' names; a name in small letters goes before one in capitals."""
    found = {}
    for name in _NAMES:
        for spelling in (name, name.upper()):
            if os.environ.get(spelling, "").strip():
                found[spelling] = os.environ[spelling].strip()
                break
    return found


def named_proxies() -> str:
    """All of them in words, as they may be shown."""
    return ", ".join(f"{name} ({_shown(value)})" for name, value in proxies().items())


def through_proxy(url: str) -> str:
    """The end of a message about an address: which proxy it is asked through, and the remedy; empty where there is none."""
    host = urlsplit(url).hostname or ""
    wanted = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    found = {name.lower(): (name, value) for name, value in proxies().items()}
    used = next((found[name] for name in wanted if name in found), None)
    if used is None or should_bypass_proxies(url, no_proxy=None):
        return ""
    name, value = used
    return (
        f"; it is asked through the proxy of the environment variable {name} ({_shown(value)}): unset or correct that, or "
        f"add {host} to NO_PROXY"
    )


def proxy_passwords() -> list[str]:
    """What must not be shown of the proxies' addresses, as it is written there and decoded."""
    found = []
    for value in proxies().values():
        userinfo = value.partition("://")[2].rpartition("@")[0] or value.rpartition("@")[0]
        password = userinfo.partition(":")[2]
        found += [password, unquote(password)]
    return sorted(set(filter(None, found)))


def _shown(value: str) -> str:
    """A proxy's address without name and password."""
    scheme, separator, rest = value.rpartition("://")
    return masked(f"{scheme}{separator}{rest.rpartition('@')[2]}")
