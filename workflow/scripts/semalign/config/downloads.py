"""Config of what is fetched: models and data of the Hugging Face hub, or files at plain addresses."""

import ipaddress
import re
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from semalign.config.base import Distinct, Strict
from semalign.config.secrets import check_variable, secret_of_address

FOLDER = PurePosixPath("results/downloads")
LONGEST = 190  # bytes of a name, to which others add up to 60
COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _inner(name: str) -> str:
    """A file's place inside its download."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or PurePosixPath(name).as_posix() != name:
        raise ValueError(f"{name!r} is no path inside a download; write it as in data/train.csv")
    if set("{}<>") & set(name) or not name.isprintable() or any(len(part.encode()) > LONGEST for part in parts):
        raise ValueError(
            f"{name!r} cannot be a result's name: no {{}} or <>, no control characters, {LONGEST} bytes a name at most"
        )
    return name


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError(f"{value!r} is no SHA-256: 64 hexadecimal digits in lower case")
    return value


def _address(url: str) -> str:
    """An address that can be asked for. What is wrong is said without the address, which may hold a secret."""
    example = "write it as in https://example.org/data/a.txt"
    scheme, colon, _ = url.partition(":")
    if scheme.lower() not in ("http", "https") or not colon:
        local = "; a file of your own needs no download: name its path where it is read" if scheme == "file" else ""
        raise ValueError(f"does not begin with http:// or https://; {example}{local}")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("holds a space or a character that cannot be seen; write %20 for a space")
    if "\\" in url:
        raise ValueError(f"holds a backslash; {example}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets, ports; its words would show the address
        raise ValueError(f"is no address that can be read; {example}") from None
    if port == 0:
        raise ValueError(f"has port 0, which no server has; {example}")
    if not host or not _is_host(host):
        raise ValueError(f"names no server that can be: {host or 'none'!r}; {example}")
    if found := secret_of_address(url):
        raise ValueError(
            f"holds {found}, and addresses are written beside the results: take it out, and name the environment "
            "variable that holds a token as token_env, or put name and password into ~/.netrc, or fetch the file by "
            "hand into a `mirror`"
        )
    return url


def _is_host(host: str) -> bool:
    """Whether it is an IP address, or a name that DNS can hold, of any script."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    try:
        name = host.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        return False
    labels = name.split(".")
    return not labels[-1].isdigit() and all(
        re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels
    )


def _repo(name: str) -> str:
    """The hub's own rules."""
    part = r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
    if not re.fullmatch(f"{part}/{part}", name) or "--" in name or ".." in name or name.endswith(".git"):
        raise ValueError(f"{name!r} is no repository of the hub: write owner/name, as its page shows it")
    return name


Inner = Annotated[str, AfterValidator(_inner)]
Digests = dict[Inner, Annotated[str, AfterValidator(_digest)]]


class _Described(Strict):
    licence: str = Field(description="as its owner names it; stands in results/sources.csv")
    about: str | None = Field(None, description="what it is, or an address that tells")
    sha256: Digests = Field(default_factory=dict, description="file: its SHA-256, compared after the download")


class HubDownload(_Described):
    """A model or data set of the Hugging Face hub."""

    repo: Annotated[str, AfterValidator(_repo)] = Field(description="owner/name")
    kind: Literal["model", "dataset"] = Field(description="a model is taken whole, of a data set the named files")
    revision: str = Field(
        min_length=1, description="a commit; of a branch the commit is found out at the download, and recorded"
    )
    files: Annotated[list[Inner], Distinct] = Field(
        default_factory=list, description="of a data set: which; of a model: empty, its weights, config and tokenizer"
    )

    @model_validator(mode="after")
    def _check(self) -> "HubDownload":
        if self.kind == "dataset" and not self.files:
            raise ValueError("files: name the files of the data set that are wanted")
        if self.kind == "model" and self.files:
            raise ValueError("files: a model is taken whole; leave it out")
        _check_digests(self.sha256, self.files if self.kind == "dataset" else None)
        return self


class UrlDownload(_Described):
    """Files at plain addresses."""

    urls: dict[Inner, Annotated[str, AfterValidator(_address)]] = Field(
        min_length=1, description="file: its address, without a password, token or signature"
    )
    token_env: Annotated[str, AfterValidator(check_variable)] | None = Field(
        None, description="name of the environment variable whose value is sent as `Authorization: Bearer …`"
    )

    @model_validator(mode="after")
    def _check(self) -> "UrlDownload":
        _check_digests(self.sha256, list(self.urls))
        return self


def _check_digests(digests: Digests, files: list[str] | None) -> None:
    for name in digests:
        if files is not None and name not in files:
            raise ValueError(f"sha256: {name} is not among its files: {', '.join(files)}")


def _kind(value: Any) -> str | None:
    """The tag of a download; in brackets, for a key may have the same name."""
    if isinstance(value, dict):
        return "[urls]" if "urls" in value else "[hub]"
    return "[urls]" if isinstance(value, UrlDownload) else "[hub]" if isinstance(value, HubDownload) else None


Download = Annotated[Annotated[HubDownload, Tag("[hub]")] | Annotated[UrlDownload, Tag("[urls]")], Discriminator(_kind)]
Downloads = dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")], Download]


def parsed(value: Any) -> HubDownload | UrlDownload:
    """A download as the config's model, from plain values that once were one."""
    return (UrlDownload if "urls" in value else HubDownload).model_validate(value)


def files_of(download: HubDownload | UrlDownload) -> list[str] | None:
    """The files of a download; None of a model, which is a folder."""
    if isinstance(download, UrlDownload):
        return list(download.urls)
    return None if download.kind == "model" else download.files


def collision(downloads: dict[str, HubDownload | UrlDownload]) -> str | None:
    """Two downloads or files that cannot both be made, one's file being the other's folder; None where all can.

    Beside each lie files whose names are made of its own: its record, its provenance, a log, a benchmark.
    """
    made: dict[PurePosixPath, str] = {}
    for name, download in downloads.items():
        for file in files_of(download) or [""]:
            owner = str(PurePosixPath(name, file))
            for place in (
                PurePosixPath("downloads", owner),
                PurePosixPath("downloads", f"{owner}.provenance.json"),
                PurePosixPath("sources", f"{owner}.json"),
                PurePosixPath("logs", f"{owner}.log"),
                PurePosixPath("benchmarks", f"{owner}.tsv"),
            ):
                if made.setdefault(place, owner) != owner:
                    return f"{owner} and {made[place]}"
    for place, owner in made.items():
        for folder in place.parents:
            if made.get(folder, owner) != owner:
                return f"{made[folder]} and {owner}"
    return None


def problem_with(path: str, downloads: dict[str, HubDownload | UrlDownload]) -> str | None:
    """Why a path under results/downloads is not made by one of the downloads; None where it is, or lies elsewhere."""
    place = PurePosixPath(path)
    if not place.is_relative_to(FOLDER):
        return None
    name, *rest = place.relative_to(FOLDER).parts or ("",)
    if name not in downloads:
        return f"{path}: downloads has no entry {name!r}; it has {', '.join(sorted(downloads)) or 'none'}"
    files = files_of(downloads[name])
    if files is None:
        return f"{path}: {name} is a model, which is named as a whole: {FOLDER / name}" if rest else None
    if "/".join(rest) not in files:
        return f"{path}: {'/'.join(rest) or 'a folder'} is not among the files of {name}: {', '.join(files)}"
    return None
