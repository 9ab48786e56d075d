"""Upload a released folder to the Hugging Face hub.

It runs in a process of its own: the hub's library reads HF_HUB_OFFLINE as it is imported, and all else of a release
works without a network.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semalign.config.secrets import masked
from semalign.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
USERS_OFFLINE = "SEMALIGN_OFFLINE"  # HF_HUB_OFFLINE as the user has it


def checked(repo: str, existing: bool) -> None:
    """Raise InputError where the upload could not succeed: no token, one that the hub does not accept, a name that is
    none, a repository that is there although `existing` is False."""
    _in_own_process("check", repo, str(existing))


def uploaded(folder: Path, repo: str, public: bool, existing: bool) -> str:
    """Upload the folder in one commit; returns what to tell. Raises InputError where the hub refuses."""
    return _in_own_process("upload", repo, str(existing), str(folder), str(public))


def _in_own_process(*words: str) -> str:
    environment = os.environ | {
        "HF_HUB_OFFLINE": os.environ.get(USERS_OFFLINE, ""),
        "HF_HUB_DISABLE_PROGRESS_BARS": "",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "workflow" / "scripts")]),
    }
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "tools.releasing.upload", *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise InputError(ended.stdout.strip() or f"PUSH: the upload ended with status {ended.returncode}; see above")
    return ended.stdout.strip()


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """The hub's refusals as messages with the remedy."""
    from httpx2 import RequestError  # what the hub's library speaks HTTP with
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        yield
    except HFValidationError:
        raise InputError(f"PUSH={repo}: is no repository's name; write owner/name") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        remedy = "set HF_TOKEN to a token that may write there" if status in (401, 403) else "see its answer"
        said = masked(error.server_message or "")[:200]
        raise InputError(f"PUSH={repo}: the hub answers {status} ({said}); {remedy}") from None
    except RequestError as error:
        raise InputError(
            f"PUSH={repo}: the hub at {masked(constants.ENDPOINT)} cannot be reached ({type(error).__name__}); check "
            "the network, and HF_ENDPOINT where it is set"
        ) from None
    except (RuntimeError, ValueError, OSError) as error:  # of a file that did not arrive, of an answer that is none
        reason = masked(str(error.__cause__ or error))[:200]
        raise InputError(f"PUSH={repo}: the upload failed ({type(error).__name__}: {reason})") from None


def _check(repo: str, existing: bool) -> None:
    from huggingface_hub import HfApi, constants, get_token

    if repo.count("/") != 1 or not all(repo.split("/")):
        raise InputError(f"PUSH={repo}: is no repository's name; write owner/name")
    if not get_token():
        raise InputError(
            "PUSH: no token of the hub is there; set HF_TOKEN to one that may write, or log in with hf auth login"
        )
    if constants.HF_HUB_OFFLINE:
        raise InputError("PUSH: HF_HUB_OFFLINE is set; unset it to upload")
    with _explained(repo):
        HfApi().whoami()
        if not existing and HfApi().repo_exists(repo):
            raise InputError(
                f"PUSH={repo}: is on the hub already; choose another name, or add EXISTING=1 to replace its files of "
                "the same names by another commit"
            )


def _upload(folder: Path, repo: str, public: bool, existing: bool) -> str:
    from huggingface_hub import HfApi

    with _explained(repo):
        address = HfApi().create_repo(repo, private=not public, exist_ok=existing)
    try:
        with _explained(repo):
            HfApi().upload_folder(repo_id=repo, folder_path=folder, commit_message=f"Release of {folder}")
            private = HfApi().repo_info(repo).private
    except InputError as error:
        raise InputError(f"{error}. {repo} is there and not complete: add EXISTING=1 to try again") from None
    return f"{folder} is uploaded to {address} ({'private' if private else 'public'})"


def main(words: list[str]) -> None:
    try:
        if words[0] == "check":
            _check(words[1], words[2] == "True")
        else:
            print(_upload(Path(words[3]), words[1], words[4] == "True", words[2] == "True"))
    except InputError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
