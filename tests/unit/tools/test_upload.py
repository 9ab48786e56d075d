"""Releases that are uploaded, to a server that speaks enough of the hub's interface: whole, private, never twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.hub_uploads import TOKEN, Hub, Repository
from tests.unit.releases import RUN, finished_run
from tools import release

FOLDER = Path("results/release") / RUN
PUSHED = [RUN, "--push", "owner/name"]


@pytest.fixture
def here(tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a finished run that is not released yet, and a user who is not logged in."""
    monkeypatch.chdir(tmp_path)
    finished_run(tiny_policy)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # else hf_xet asks for a server of its own kind
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "SEMALIGN_OFFLINE", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def hub(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, whose token the user has."""
    hub = Hub()
    with hub.serving() as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


def refusal(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        release.main(arguments)
    said = str(ended.value) + "".join(capsys.readouterr())
    assert TOKEN not in said
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_whole_folder_is_in_a_new_private_repository(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    release.main(PUSHED)
    made = hub.repositories["owner/name"]
    assert made.files == contents(FOLDER)
    assert {"adapter_model.safetensors", "README.md", "SHA256SUMS", "base/model.safetensors"} <= made.files.keys()
    assert (made.private, made.messages) == (True, [f"Release of {FOLDER}"])
    assert capsys.readouterr().out.endswith("/owner/name (private)\n")


def test_a_public_one_is_public(hub: Hub) -> None:
    release.main([*PUSHED, "--public"])
    assert hub.repositories["owner/name"].private is False


def test_a_repository_that_exists_is_left_alone_unless_the_user_says_so(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repositories["owner/name"] = Repository(private=False, files={"README.md": b"mine", "notes.txt": b"mine"})
    assert "PUSH=owner/name: is on the hub already; choose another name, or add EXISTING=1" in refusal(capsys, PUSHED)
    assert not FOLDER.exists()
    assert hub.repositories["owner/name"].files["README.md"] == b"mine"
    release.main([*PUSHED, "--existing"])
    assert hub.repositories["owner/name"].files == contents(FOLDER) | {"notes.txt": b"mine"}
    assert hub.repositories["owner/name"].private is False


def test_without_a_token_nothing_is_made_or_asked(
    hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert "PUSH: no token of the hub is there; set HF_TOKEN" in refusal(capsys, PUSHED)
    assert (FOLDER.exists(), hub.asked) == (False, [])


def test_a_token_that_was_saved_by_a_login_will_do(hub: Hub, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (here / "hf").mkdir()
    (here / "hf" / "token").write_text(TOKEN)
    release.main(PUSHED)
    assert hub.repositories["owner/name"].files == contents(FOLDER)


@pytest.mark.parametrize(
    ("environment", "repository", "message"),
    [
        ({"HF_TOKEN": "hf_" + "w" * 34}, "owner/name", "the hub answers 401"),
        ({"HF_HUB_OFFLINE": "1", "SEMALIGN_OFFLINE": "1"}, "owner/name", "PUSH: HF_HUB_OFFLINE is set; unset it"),
        ({"HF_ENDPOINT": "http://127.0.0.1:1"}, "owner/name", "cannot be reached (ConnectError); check the network"),
        ({}, "name", "PUSH=name: is no repository's name; write owner/name"),
        ({}, "owner/na me", "PUSH=owner/na me: is no repository's name; write owner/name"),
    ],
)
def test_what_cannot_be_uploaded_is_said_before_anything_is_made(
    hub: Hub,
    environment: dict[str, str],
    repository: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert message in refusal(capsys, [RUN, "--push", repository])
    assert not FOLDER.exists()
    assert not hub.repositories


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("/api/repos/create", "the hub answers 403 (You do not have the rights to do this); set HF_TOKEN to a token"),
        ("/large/", "the upload failed"),
        ("/commit/", "owner/name is there and not complete: add EXISTING=1 to try again"),
    ],
)
def test_what_the_hub_refuses_later_is_said_and_the_release_is_kept(
    hub: Hub, refused: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.refused = refused
    assert message in refusal(capsys, PUSHED)
    assert (FOLDER / "SHA256SUMS").exists()
    hub.refused = None
    release.main([*PUSHED, "--existing"])
    assert hub.repositories["owner/name"].files == contents(FOLDER)


def test_a_switch_of_the_upload_without_one_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        release.main([RUN, "--public"])
    assert "name its repository with --push owner/name" in capsys.readouterr().err
