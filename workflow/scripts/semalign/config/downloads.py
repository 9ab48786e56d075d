"""Config of what is fetched: models and data of the Hugging Face hub, or files at plain addresses."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from semalign.config.base import Strict

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


Inner = Annotated[str, AfterValidator(_inner)]
Digests = dict[Inner, Annotated[str, AfterValidator(_digest)]]


class _Described(Strict):
    licence: str = Field(description="as its owner names it; stands in results/sources.csv")
    about: str | None = Field(None, description="what it is, or an address that tells")
    sha256: Digests = Field(default_factory=dict, description="file: its SHA-256, compared after the download")


class HubDownload(_Described):
    """A model or data set of the Hugging Face hub."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    kind: Literal["model", "dataset"] = Field(description="a model is taken whole, of a data set the named files")
    revision: str = Field(
        min_length=1, description="a commit; of a branch the commit is found out at the download, and recorded"
    )
    files: list[Inner] = Field(
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

    urls: dict[Inner, Annotated[str, Field(pattern=r"^https?://\S+$")]] = Field(
        min_length=1, description="file: its address"
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
