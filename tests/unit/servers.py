"""Servers on localhost that speak as much HTTP, and as much of the hub's interface, as a download needs."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Files:
    """What a server holds, how it misbehaves, and what it was asked."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents
        self.statuses: list[int] = []  # answered first, one a request
        self.break_after: list[int] = []  # bytes after which the connection ends, one an answer
        self.asked: list[tuple[str, str | None]] = []  # path and Range
        self.was_asked = threading.Event()
        self.retry_after: str | None = None
        self.tokens: list[str | None] = []  # what each request said in Authorization
        self.elsewhere: str | None = None  # address of the server that has the hub's large files
        self.lied_hash: str | None = None  # told of every file in place of its own


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve as long as the block lasts; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving(files: Files, handler: type["Plain"] | None = None) -> Iterator[str]:
    with running(type("Handler", (handler or Plain,), {"files": files})) as address:
        yield address


class Plain(BaseHTTPRequestHandler):
    files: Files

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer(self.path.lstrip("/"))

    def answer(self, name: str, headers: dict[str, str] | None = None) -> None:
        wanted = self.headers.get("Range")
        self.files.asked.append((name, wanted))
        self.files.was_asked.set()
        self.files.tokens.append(self.headers.get("Authorization"))
        if self.files.statuses:
            self.send(self.files.statuses.pop(0), b"", {"Retry-After": self.files.retry_after or ""})
            return
        if name not in self.files.contents:
            self.send(404, b"")
            return
        content, status = self.files.contents[name], 200
        more = dict(headers or {})
        if wanted:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start >= len(content):
                self.send(416, b"")
                return
            more["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            content, status = content[start:], 206
        self.send(status, content, more)

    def send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.files.break_after and content:
            self.wfile.write(content[: self.files.break_after.pop(0)])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(content)


class Hub(Plain):
    """One repository, owner/name, whose only branch is main."""

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            self.tell()
        else:
            self.resolve()

    do_HEAD = do_GET

    def tell(self) -> None:
        if "/revision/" in self.path and self.path.partition("/revision/")[2].partition("?")[0] not in ("main", COMMIT):
            self.send(404, b'{"error": "Revision Not Found"}', {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = []
        for name, content in self.files.contents.items():
            entry: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": git_hash(content)}
            if name.endswith(".safetensors"):
                digest = self.files.lied_hash or hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 100}
            elif self.files.lied_hash:
                entry["blobId"] = self.files.lied_hash
            siblings.append(entry)
        answer = {"id": "owner/name", "modelId": "owner/name", "sha": COMMIT, "siblings": siblings, "tags": []}
        self.send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def resolve(self) -> None:
        name = self.path.partition(f"/resolve/{COMMIT}/")[2] or self.path.partition("/resolve/main/")[2]
        if self.files.elsewhere and name.endswith(".safetensors"):
            self.files.tokens.append(self.headers.get("Authorization"))
            self.send(302, b"", {"Location": f"{self.files.elsewhere}/{name}"})
            return
        content = self.files.contents.get(name, b"")
        digest = hashlib.sha256(content).hexdigest()
        self.answer(name, {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})


def git_hash(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob " + str(len(content)).encode() + b"\0" + content).hexdigest()
