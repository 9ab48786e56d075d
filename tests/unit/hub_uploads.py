"""A server on localhost that speaks as much of the hub's interface as an upload needs, large files by git LFS."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.unit.servers import COMMIT, running

TOKEN = "hf_" + "t" * 34


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)  # one a commit


@dataclass
class Hub:
    """What it holds, by owner/name, and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    large: dict[str, bytes] = field(default_factory=dict)  # by sha256
    refused: str | None = None  # every request to a path with this in it

    @contextmanager
    def serving(self) -> Iterator[str]:
        with running(type("Handler", (_Handler,), {"hub": self})) as address:
            yield address


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, content: Any = None, **headers: str) -> None:
        body = json.dumps(content or {}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _allowed(self, token: bool = True) -> bool:
        self.hub.asked.append(f"{self.command} {self.path}")
        if token and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid credentials in Authorization header"})
            return False
        if self.hub.refused and self.hub.refused in self.path:
            self._answer(403, {"error": "You do not have the rights to do this"})
            return False
        return True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = b""
        while size := int(self.rfile.readline(), 16):
            parts += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return parts

    def do_GET(self) -> None:
        if not self._allowed():
            return
        name = self.path.removeprefix("/api/models/").partition("/revision/")[0].partition("?")[0]
        if self.path == "/api/whoami-v2":
            self._answer(200, {"type": "user", "name": "owner"})
        elif name in self.hub.repositories:
            repository = self.hub.repositories[name]
            siblings = [{"rfilename": file} for file in repository.files]
            self._answer(200, {"id": name, "private": repository.private, "sha": COMMIT, "siblings": siblings})
        else:
            self._answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")

    def do_PUT(self) -> None:
        content = self._body()
        if self._allowed(token=False):  # an address that holds its own permission
            self.hub.large[self.path.rpartition("/")[2]] = content
            self._answer(200)

    def do_POST(self) -> None:
        body = self._body()
        if not self._allowed():
            return
        name = self.path.removeprefix("/api/models/").partition("/preupload/")[0].partition("/commit/")[0]
        if self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path == "/api/validate-yaml":  # of the card's metadata
            self._answer(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        elif self.path.endswith(".git/info/lfs/objects/batch"):
            place = f"http://{self.headers['Host']}/large"
            objects = [
                entry | {"actions": {"upload": {"href": f"{place}/{entry['oid']}"}}}
                for entry in json.loads(body)["objects"]
            ]
            self._answer(200, {"objects": objects, "transfer": "basic"})
        else:
            self._commit(self.hub.repositories[name], [json.loads(line) for line in body.splitlines()])

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, Repository(private=wanted.get("visibility") == "private"))
        self._answer(status, {"url": f"http://{self.headers['Host']}/{name}"})

    def _commit(self, repository: Repository, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            else:
                content = self.hub.large[value["oid"]]
                assert (line["key"], value["oid"]) == ("lfsFile", hashlib.sha256(content).hexdigest())
                repository.files[value["path"]] = content
        address = f"http://{self.headers['Host']}"
        self._answer(200, {"commitUrl": f"{address}/owner/name/commit/{COMMIT}", "commitOid": COMMIT})
