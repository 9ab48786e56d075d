"""Fetching what the config names: verified, resumed after a kill, from the network, a mirror folder or the hub's cache.

Whether the network may be used is the user's HF_HUB_OFFLINE (HF_ENDPOINT and HF_TOKEN work as everywhere); jobs that
compute are always offline.
"""

import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

import requests

from semalign.config.downloads import COMMIT, HubDownload, UrlDownload
from semalign.errors import InputError
from semalign.files import FOLDER_MARK, sha256
from semalign.hub import PICKLED, Fetched, fetch_hub

log = logging.getLogger(__name__)

TRIES = 6
SECONDS_BEFORE_NEXT = 1.0  # doubled each time
TIMEOUT = 60.0
CHUNK = 1 << 16  # bytes; what a broken connection has cut off of one is asked for again
_WAITED_OUT = {408, 425, 429, 500, 502, 503, 504}


def fetch(name: str, download: HubDownload | UrlDownload, files: list[str] | None, folder: Path) -> Fetched:
    """Files of a download (None: a whole model), verified, in `folder`, in the mirror or in the hub's cache.

    What an earlier attempt left in `folder` is gone on with. Raises InputError, naming the config key.
    """
    key, mirror = f"downloads.{name}", os.environ.get("SEMALIGN_MIRROR")
    offline = os.environ.get("SEMALIGN_OFFLINE") == "1"
    if mirror:
        fetched = from_mirror(Path(mirror), name, files, key)
    elif isinstance(download, HubDownload):
        fetched = fetch_hub(download.repo, download.kind, download.revision, files, folder, key, offline)
    elif offline:
        raise InputError(
            f"config key {key}: HF_HUB_OFFLINE is set; unset it, or name a folder that holds {name} as `mirror`"
        )
    else:
        fetched = Fetched({file: folder / file for file in files or []}, None)
        for file, path in fetched.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            fetch_url(download.urls[file], path, key)
    try:
        check_digests({file: sha256(path) for file, path in fetched.files.items()}, download.sha256, key)
    except InputError:
        for path in fetched.files.values():
            if path.is_relative_to(folder):  # fetched anew the next time
                path.unlink()
        raise
    return fetched


def record(name: str, download: HubDownload | UrlDownload, fetched: Fetched) -> dict[str, Any]:
    """What was fetched: its origin, the hub's commit, and each file's SHA-256 and bytes.

    Warns where another day may bring another content, and says what would pin it.
    """
    digests = {file: sha256(path) for file, path in fetched.files.items()}
    if isinstance(download, HubDownload):
        origin: Any = f"{download.kind} {download.repo} of the Hugging Face hub"
        commit = fetched.commit or download.revision
        if not COMMIT.fullmatch(download.revision):
            log.warning("downloads.%s.revision: %s may move; pin it: %s", name, download.revision, fetched.commit)
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


def fetch_url(url: str, part: Path, key: str) -> None:
    """Fetch an address into `part`, going on where an earlier attempt left it.

    Waits out connection errors, time-outs and the server's passing troubles. Raises InputError, naming the config key,
    for an answer that will not change.
    """
    for attempt in range(TRIES):
        try:
            return _stream(url, part)
        except _Refused as error:
            status = error.answer.status_code
            if status not in _WAITED_OUT:
                raise InputError(
                    f"config key {key}: {url} answers {status} {error.answer.reason}{_remedy(status)}"
                ) from None
            wait = _seconds(error.answer.headers.get("Retry-After"), attempt)
            reason = f"the server answers {status}"
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            wait, reason = SECONDS_BEFORE_NEXT * 2**attempt, type(error).__name__
        log.warning("%s: %s; once more in %.0f s", url, reason, wait)
        time.sleep(wait)
    raise InputError(
        f"config key {key}: {url} could not be fetched in {TRIES} attempts; run the same command again later"
    )


class _Refused(Exception):
    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer


def _stream(url: str, part: Path) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == 416:  # nothing is left of it
            return
        if not answer.ok:
            raise _Refused(answer)
        resumed = answer.status_code == 206
        expected = answer.headers.get("Content-Length")
        with open(part, "ab" if resumed else "wb") as file:
            start = file.tell()
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
            got = file.tell() - start
    if expected is not None and not answer.headers.get("Content-Encoding") and got < int(expected):
        raise requests.ConnectionError("the connection broke off")


def _seconds(retry_after: str | None, attempt: int) -> float:
    return float(retry_after) if retry_after and retry_after.isdecimal() else SECONDS_BEFORE_NEXT * 2**attempt


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "; it wants a login: fetch it by hand and name the folder as `mirror`"
    return "; check the address"


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


def place(fetched: Fetched, folder: Path, workspace: Path) -> None:
    """Bring the files into a folder by their names: moved from the job's own workspace, copied from elsewhere."""
    for name, path in fetched.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(workspace):
            shutil.move(path, target)
        else:
            shutil.copyfile(path, target)
