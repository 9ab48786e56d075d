"""The page and its answers by HTTP, on this machine only; one request at a time reaches the models."""

import base64
import hashlib
import json
import queue
import re
import socketserver
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError
from tools.trying.models import Answer, SideBySide

HOST = "127.0.0.1"
HERE = re.compile(
    rf"({re.escape(HOST)}|localhost)(:\d+)?", re.IGNORECASE
)  # by another name a page from elsewhere could have led a browser here (DNS rebinding)
PAGE = Path(__file__).with_name("page.html")
FONT = Path(__file__).resolve().parents[2] / "workflow" / "fonts" / "NotoSerifTibetan-Regular.ttf"
LARGEST = 64 * 1024  # bytes of a request; what is longer is not read as one
WAITING = 8  # requests, beside the one that is answered
SECONDS = 30  # that a client may be silent


class Page(socketserver.ThreadingTCPServer):
    """Listens from the start, so that a port that is taken is known before a model is loaded."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # a client that comes while eight wait is told so, and not cut off

    def __init__(self, port: int) -> None:
        """Raises InputError where the port is taken or is none."""
        self.models: SideBySide | None = None
        self._line: queue.Queue[tuple[Future[Answer], Callable[[], Answer]]] = queue.Queue(WAITING)
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"port {port}: {reason}; take another, as in PORT=8001") from error

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}/"

    def ask(self, text: str, name: str) -> Answer:
        """An answer, when all that were asked for before are given. Raises queue.Full where too many wait."""
        assert self.models is not None
        models, future = self.models, Future[Answer]()
        models.check(text, name)
        self._line.put_nowait((future, lambda: models.answer(text, name)))
        return future.result()

    def answer_forever(self) -> None:
        """Answer one request after another in this thread, which Ctrl-C reaches."""
        while True:
            future, answer = self._line.get()
            try:
                future.set_result(answer())
            except Exception as error:  # it is told to whoever asked
                future.set_exception(error)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away or said nothing."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Page
    timeout = SECONDS

    def version_string(self) -> str:
        return "semalign"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the page tells of errors."""

    def do_GET(self) -> None:
        if not self._from_here():
            return
        assert self.server.models is not None
        if self.path == "/":
            page = PAGE.read_text(encoding="utf-8")
            self._send(200, "text/html; charset=utf-8", page.encode(), policy(page))
        elif self.path == "/about":
            self._tell(200, self.server.models.about())
        elif self.path == "/tibetan.ttf":
            self._send(200, "font/ttf", FONT.read_bytes())
        else:
            self._refuse(404, "there is nothing here but the page at /")

    def do_POST(self) -> None:
        if not self._from_here():
            return
        if self.path != "/answer":
            self._refuse(404, "texts are answered at /answer")
        elif (asked := self._asked()) is not None:
            self._answer(*asked)

    def _answer(self, text: str, name: str) -> None:
        try:
            self._tell(200, asdict(self.server.ask(text, name)))
        except InputError as error:
            self._refuse(422, str(error))
        except queue.Full:
            self._refuse(503, f"{WAITING} texts wait already; ask again in a while")
        except OSError:
            raise  # of the connection
        except Exception as error:
            traceback.print_exception(error)
            self._refuse(500, f"the model could not answer: {error}"[:500])

    def _from_here(self) -> bool:
        """Whether the request is for this machine by its own name, and from no page of another; refuses it if not."""
        host = self.headers.get("Host", "")
        if not HERE.fullmatch(host):
            self._refuse(403, f"this page answers at {self.server.address} alone")
        elif self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            self._refuse(403, "a page of another site may not ask here")
        else:
            return True
        return False

    def _asked(self) -> tuple[str, str] | None:
        """The text and the model's name of a request's body; None where it was refused."""
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,15}", length):
            self._refuse(411, "the request does not say how long it is")
        elif int(length) > LARGEST:
            self._pass_over(int(length))
            self._refuse(413, f"the request has {int(length):,} bytes; at most {LARGEST:,} are read")
        elif self.headers.get_content_type() != "application/json":  # which no page of another site can send unasked
            self._refuse(415, "ask with Content-Type: application/json")
        else:
            try:
                body = json.loads(self.rfile.read(int(length)))
                text, name = body["text"], body["model"]
                text.encode(), name.encode()  # no half of a surrogate pair
                return text, name
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self._refuse(400, 'ask with a JSON object {"text": …, "model": …} of two strings')
        return None

    def _pass_over(self, length: int) -> None:
        """Read a body that is too long, up to a limit: a client that is still writing would not read the refusal."""
        left = min(length, 100 * LARGEST)
        while left > 0 and (read := len(self.rfile.read(min(left, LARGEST)))):
            left -= read

    def _refuse(self, status: int, why: str) -> None:
        self._tell(status, {"error": why})

    def _tell(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content, ensure_ascii=False).encode())

    def _send(self, status: int, kind: str, content: bytes, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def policy(page: str) -> str:
    """A content security policy: the page's own script and style run, and it speaks to this server alone."""
    found = {
        kind: " ".join(f"'sha256-{_digest(inside)}'" for inside in re.findall(f"<{kind}>(.*?)</{kind}>", page, re.S))
        for kind in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src {found['script']}; style-src {found['style']}; font-src 'self'; "
        "connect-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
