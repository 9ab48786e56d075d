"""Models and data sets of the Hugging Face hub, each file compared with the hash that the hub has of it."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from semalign.config.secrets import masked
from semalign.data.fetching import PASSING, TIMEOUT, Refused, TransientError, fetch_url, persist
from semalign.network.proxies import check_proxies, through_proxy
from semalign.network.waits import asked_wait
from semalign.runtime.errors import InputError
from semalign.runtime.files import sha256

MODEL_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")  # neither code nor pickled weights
PICKLED = "pytorch_model.bin"


@dataclass(frozen=True)
class Fetched:
    """Where files now lie, by their names in the download, and the commit they are of (hub only)."""

    files: dict[str, Path]
    commit: str | None


def fetch_hub(
    repo: str, kind: str, revision: str, files: list[str] | None, folder: Path, key: str, offline: bool
) -> Fetched:
    """Fetch files of a hub repository, or all that a model needs, into `folder`; offline, find them in the hub's cache.

    Raises InputError, naming the config key, for what is not there or not what the hub says; Stopped as `fetch_url`
    does. The files are asked for at their addresses: the hub's own library begins a file anew after a kill.
    """
    os.environ["HF_HUB_OFFLINE"] = str(int(offline))  # read when the hub's library is imported
    import huggingface_hub as hub
    from huggingface_hub.utils import build_hf_headers

    with _explained(key, repo, revision):
        if offline:
            return _cached(hub, repo, kind, revision, files, key)
        check_proxies(hub.constants.ENDPOINT, "socksio", every=True)
        info = persist(
            lambda: _information(hub, repo, kind, revision, key),
            f"what the hub has of {repo}",
            key,
            hub.constants.ENDPOINT,
        )
        there = {sibling.rfilename: sibling for sibling in info.siblings or []}
        fetched = {}
        for name in files or _model_files(there, key, repo):
            if name not in there:
                names = ", ".join(sorted(there))
                raise InputError(f"config key {key}: {repo}@{info.sha} has no file {name}; it has {names}")
            fetched[name] = folder / name
            fetched[name].parent.mkdir(parents=True, exist_ok=True)
            address = hub.hf_hub_url(repo, name, repo_type=kind, revision=info.sha)
            fetch_url(address, fetched[name], key, build_hf_headers())  # a redirection to another host loses the token
            _compare(fetched[name], there[name], key)
    return Fetched(fetched, info.sha)


def _information(hub: Any, repo: str, kind: str, revision: str, key: str) -> Any:
    """What the hub tells of a repository at a revision: its commit and its files' hashes. May raise TransientError."""
    from httpx2 import InvalidURL, RequestError  # what the hub's library speaks HTTP with
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return hub.HfApi().repo_info(repo, repo_type=kind, revision=revision, timeout=TIMEOUT, files_metadata=True)
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status not in PASSING:
            raise
        raise TransientError(f"the hub answers {status}", asked_wait(error.response.headers, status == 429)) from error
    except RequestError as error:
        raise TransientError(type(error).__name__) from error
    except (ImportError, InvalidURL, ValueError, TypeError, AttributeError) as error:
        raise InputError(  # a proxy that cannot be used, or a page in place of the hub's answer
            f"config key {key}: the hub at {masked(hub.constants.ENDPOINT)} cannot be asked ({type(error).__name__}: "
            f"{masked(str(error))[:200]}); check HF_ENDPOINT{through_proxy(hub.constants.ENDPOINT)}"
        ) from None


@contextmanager
def _explained(key: str, repo: str, revision: str) -> Iterator[None]:
    """The hub's refusals as messages with the config key and the remedy."""
    from huggingface_hub import constants as hub_constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    gated = f"config key {key}: {repo} asks its users to accept its terms; do so on its page, and set HF_TOKEN"
    try:
        yield
    except GatedRepoError:
        raise InputError(f"{gated}{through_proxy(hub_constants.ENDPOINT)}") from None
    except LocalEntryNotFoundError:
        raise InputError(
            f"config key {key}: HF_HUB_OFFLINE is set, and {repo}@{revision} is not in the hub's cache "
            f"({os.environ.get('HF_HOME', '~/.cache/huggingface')}); fetch it where there is a network (`snakemake "
            f"--cores 1 downloads` there), copy its results/downloads/{key.partition('.')[2]} into a folder, and name "
            "that folder as `mirror`"
        ) from None
    except HfHubHTTPError as error:
        raise InputError(
            f"config key {key}: the hub answers {error.response.status_code} for {repo}@{revision}; check both, "
            f"and set HF_TOKEN if it is private{through_proxy(hub_constants.ENDPOINT)}"
        ) from None
    except Refused as error:
        remedy = gated if error.status in (401, 403) else f"config key {key}: the hub answers {error} for {repo}"
        raise InputError(f"{remedy}{through_proxy(hub_constants.ENDPOINT)}") from None


def _cached(hub: Any, repo: str, kind: str, revision: str, files: list[str] | None, key: str) -> Fetched:
    if files is None:
        patterns = [*MODEL_FILES, PICKLED]
        folder = Path(hub.snapshot_download(repo, revision=revision, allow_patterns=patterns))
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        files = _model_files(names, key, repo)
    found = {name: Path(hub.hf_hub_download(repo, name, repo_type=kind, revision=revision)) for name in files}
    parts = next(iter(found.values())).parts  # …/snapshots/<commit>/…
    return Fetched(found, parts[parts.index("snapshots") + 1])


def _model_files(there: Iterable[str], key: str, repo: str) -> list[str]:
    """What a model needs: safetensors where there are any, else its pickled weights, to be rewritten."""
    there = set(there)
    names = {name for name in there if any(fnmatch(name, pattern) for pattern in MODEL_FILES)}
    if not any(name.endswith(".safetensors") for name in names):
        if PICKLED not in there:
            raise InputError(f"config key {key}: {repo} holds neither safetensors nor {PICKLED}; take another model")
        names.add(PICKLED)
    return sorted(names)


def _compare(path: Path, sibling: Any, key: str) -> None:
    """The hub knows the SHA-256 of large files, and git's hash of the others."""
    if sibling.lfs is not None:
        found, expected = sha256(path), sibling.lfs.sha256
    else:
        content = path.read_bytes()
        found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        expected = sibling.blob_id
    if found != expected:
        path.unlink()
        raise InputError(
            f"config key {key}: {sibling.rfilename} arrived with hash {found}, the hub has {expected}; run it again"
        )
