"""Proxies of the environment: which one an address is asked through, named in messages without its password."""

import os
import re
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

from requests.utils import should_bypass_proxies

from semalign.config.secrets import masked, split
from semalign.runtime.errors import InputError

_USERINFO = re.compile(r"[\w.~!$&'()*+,;=:%-]*", re.ASCII)
_NAMES = ("http_proxy", "https_proxy", "all_proxy")


def proxies() -> dict[str, str]:
    """The proxies of the environment by their variables' names; a name in small letters goes before one in capitals."""
    found = {}
    for name in _NAMES:
        for spelling in (name, name.upper()):
            if os.environ.get(spelling):
                found[spelling] = os.environ[spelling]
                break
    return found


def check_proxies(url: str, package: str, every: bool) -> None:
    """Raise InputError where the proxy of an address, or `every` one, cannot be used.

    `package`: what the client needs to speak with a SOCKS proxy. `every`: the client reads them all, whatever it asks.
    """
    for name, value in proxies().items() if every else _used(url):
        separated = value if "://" in value else f"http://{value}"
        socks = separated.lower().startswith("socks")
        if socks and find_spec(package) is None:
            problem = f"a SOCKS proxy needs the package {package}, which is not installed: name an http:// proxy"
        elif not socks and not _is_address(separated):
            problem = "is no address of a proxy, as http://host:3128 (a password in it is percent-encoded)"
        else:
            continue
        raise InputError(
            f"the environment variable {name} ({_shown(value)}): {problem}, or unset it; {urlsplit(url).netloc} was to "
            "be asked"
        )


def _is_address(value: str) -> bool:
    scheme, _, rest = value.partition("://")
    userinfo, _, host = rest.rpartition("@")
    try:
        return scheme.lower() in ("http", "https") and bool(_USERINFO.fullmatch(userinfo) and split(f"http://{host}"))
    except ValueError:
        return False


def _used(url: str) -> list[tuple[str, str]]:
    """The variable and value of the proxy that an address is asked through, in a list."""
    wanted = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    found = {name.lower(): (name, value) for name, value in proxies().items()}
    used = [found[name] for name in wanted if name in found][:1]
    return [] if not urlsplit(url).hostname or should_bypass_proxies(url, no_proxy=None) else used


def through_proxy(url: str) -> str:
    """The end of a message about an address: the proxy that it is asked through, and the remedy; or nothing."""
    for name, value in _used(url):
        return (
            f"; it is asked through the proxy of the environment variable {name} ({_shown(value)}): unset or correct "
            f"that, or add {urlsplit(url).hostname} to NO_PROXY"
        )
    return ""


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
    shown = masked(f"{scheme}{separator}{rest.rpartition('@')[2]}")
    return shown if shown.isprintable() and len(shown) < 100 else f"{shown[:100]!r}"
