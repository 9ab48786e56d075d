"""Fetching what the config names: verified, resumed after a kill, from the network, a mirror folder or the hub's cache.

Whether the network may be used is the user's HF_HUB_OFFLINE (HF_ENDPOINT and HF_TOKEN work as everywhere); jobs that
compute are always offline.
"""

import logging
import os
import shutil
from pathlib import Path, PurePath
from typing import Any

from semalign.config.downloads import COMMIT, HubDownload, UrlDownload
from semalign.data.fetching import Refused, fetch_url
from semalign.data.hub import PICKLED, Fetched, fetch_hub
from semalign.network.proxies import through_proxy
from semalign.runtime.errors import InputError
from semalign.runtime.files import FOLDER_MARK, sha256

log = logging.getLogger(__name__)

_TRUE = {"1", "ON", "YES", "TRUE"}  # as the hub's library reads HF_HUB_OFFLINE


def fetch(
    name: str, download: HubDownload | UrlDownload, files: list[str] | None, folder: Path, token_env: str | None = None
) -> Fetched:
    """Files of a download (None: a whole model), verified, in `folder`, in the mirror or in the hub's cache.

    An earlier attempt in `folder` is resumed. `token_env`: the environment variable that holds the token
    for plain addresses. Raises InputError, naming the config key.
    """
    key, mirror = f"downloads.{name}", os.environ.get("SEMALIGN_MIRROR")
    offline = os.environ.get("SEMALIGN_OFFLINE", "").upper() in _TRUE
    if mirror:
        fetched = from_mirror(Path(mirror), name, files, key)
    elif isinstance(download, HubDownload):
        fetched = fetch_hub(download.repo, download.kind, download.revision, files, folder, key, offline)
    else:
        wanted = {file: download.urls[file] for file in files or []}
        if offline:
            raise InputError(
                f"config key {key}: HF_HUB_OFFLINE is set; unset it, or name a folder as `mirror` and put there "
                + ", ".join(f"{name}/{file} (from {url})" for file, url in wanted.items())
            )
        fetched = _fetch_urls(wanted, folder, key, _authorization(token_env, key))
    try:
        check_digests({file: sha256(path) for file, path in fetched.files.items()}, download.sha256, key)
    except InputError:
        for path in fetched.files.values():
            if path.is_relative_to(folder):  # fetched anew the next time
                path.unlink()
        raise
    return fetched


def _authorization(variable: str | None, key: str) -> dict[str, str]:
    """The header with the token of an environment variable."""
    if variable is None:
        return {}
    token = os.environ.get(variable, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        what = "is not set" if not token else "holds what no token can"
        raise InputError(f"config key {key}.token_env: the environment variable {variable} {what}: export the token")
    return {"Authorization": f"Bearer {token}"}


def _fetch_urls(urls: dict[str, str], folder: Path, key: str, headers: dict[str, str]) -> Fetched:
    found = {file: folder / file for file in urls}
    for file, path in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch_url(urls[file], path, key, headers)
        except Refused as error:
            login = (
                f"it wants a login: name the environment variable that holds a token as {key}.token_env, or fetch it "
                "by hand into a `mirror`"
            )
            remedy = login if error.status in (401, 403) else "check the address"
            raise InputError(
                f"config key {key}.urls.{file}: {urls[file]} answers {error}; {remedy}{through_proxy(urls[file])}"
            ) from None
        page = path.suffix.lower() not in (".html", ".htm") and _is_page(path)
        if page or not path.stat().st_size:
            path.unlink()
            what = "a web page in place of a file" if page else "an empty file"
            raise InputError(
                f"config key {key}.urls.{file}: {urls[file]} answers with {what}; check the "
                f"address{through_proxy(urls[file])}"
            )
    return Fetched(found, None)


def _is_page(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html"))


def record(name: str, download: HubDownload | UrlDownload, fetched: Fetched) -> dict[str, Any]:
    """What was fetched: its origin, the hub's commit, and each file's SHA-256 and bytes.

    Warns where another day may bring another content, and says what would pin it.
    """
    digests = {file: sha256(path) for file, path in fetched.files.items()}
    if isinstance(download, HubDownload):
        commit = fetched.commit or download.revision
        origin: Any = f"{download.repo}@{commit}"
        if not COMMIT.fullmatch(download.revision):
            pin = fetched.commit or "the commit that the mirror was made from"
            log.warning("downloads.%s.revision: %s may move; pin it: %s", name, download.revision, pin)
    else:
        origin, commit = {file: download.urls[file] for file in fetched.files}, None
        for file in sorted(set(digests) - set(download.sha256)):
            log.warning("downloads.%s: nothing fixes what %s holds; pin sha256: %s", name, file, digests[file])
    return {
        "name": name,
        "origin": origin,
        "commit": commit,
        "files": {
            file: {"sha256": digests[file], "bytes": path.stat().st_size} for file, path in fetched.files.items()
        },
    }


def from_mirror(mirror: Path, name: str, files: list[str] | None, key: str) -> Fetched:
    """The files of a download from a mirror folder. Raises InputError saying what must lie where."""
    folder = mirror / name
    wanted = files
    if wanted is None:
        wanted = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    missing = [str(folder / file) for file in wanted or ["config.json"] if not (folder / file).is_file()]
    if missing:
        raise InputError(
            f"config key {key}: the mirror lacks {', '.join(missing)}; copy results/downloads/{name} there"
        )
    return Fetched({file: folder / file for file in wanted if Path(file).name != FOLDER_MARK}, None)


def check_digests(found: dict[str, str], expected: dict[str, str], key: str) -> None:
    """Raise InputError where a file's SHA-256 is not the config's."""
    for name, digest in expected.items():
        if name in found and found[name] != digest:
            raise InputError(
                f"config key {key}.sha256.{name}: {digest} is expected, the file has {found[name]}; changed by its "
                "owner or damaged on the way: find out which, then put the right hash there"
            )


def unpickle(folder: Path) -> None:
    """Rewrite pickled weights as safetensors; only tensors are read, no code is run."""
    import torch
    from safetensors.torch import save_file

    weights = torch.load(folder / PICKLED, map_location="cpu", weights_only=True)
    tensors = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / PICKLED).unlink()
    log.info("%s was rewritten as model.safetensors", PICKLED)


def place(fetched: Fetched, folder: PurePath, workspace: Path) -> None:
    """Bring the files into a folder by their names: moved from the job's own workspace, copied from elsewhere."""
    for name, path in fetched.files.items():
        target = Path(folder / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(workspace):
            shutil.move(path, target)
        else:
            shutil.copyfile(path, target)
