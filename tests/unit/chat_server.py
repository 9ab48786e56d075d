"""A chat-completions server on localhost that behaves as it is told, badly too, and counts what it answered."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What is sent: a status, headers, a JSON value or raw bytes, and how."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before anything is sent
    drip: float = 0.0  # seconds between bytes
    cut: bool = False  # the connection is closed in the middle


@dataclass
class Request:
    """What was asked: the request's body, its prompt, which time this prompt came (from 1), and the key sent."""

    body: dict[str, Any]
    prompt: str
    time: int
    key: str


def completion(text: Any, finish: str | None = "stop", usage: Any = (100, 20), **message: Any) -> dict[str, Any]:
    """A chat completion as OpenAI, vLLM and llama.cpp give it."""
    turn = {"role": "assistant", "content": text} | message
    found: dict[str, Any] = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": turn, "finish_reason": finish}],
    }
    if usage:
        found["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return found


def error(status: int, code: str | None, message: str = "no", **headers: str) -> Reply:
    body = {"error": {"message": message, "type": code, "code": code}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def candidates(prompt: str) -> tuple[str, str]:
    """Both candidates, as the project's prompts show them."""
    found = re.findall(r"<(?:translation|headline)_[12]>\n(.*?)\n</", prompt, re.DOTALL)
    return found[0], found[1]


def longer(request: Request) -> Reply:
    """A judge who prefers the longer candidate."""
    one, two = candidates(request.prompt)
    value = 0 if len(one) == len(two) else 1 if len(one) > len(two) else 2
    return Reply(body=completion(f"{one} or {two}?\nDecision: [[{value}]]"))


class ChatServer:
    """Answers with `behave(request)`. `asked` counts requests by prompt, `answered` those answered in full."""

    def __init__(self) -> None:
        self.behave: Callable[[Request], Reply] = longer
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if len(raw) < int(self.headers["Content-Length"]):  # whoever asks was killed
                    self.close_connection = True
                    return
                body = json.loads(raw)
                prompt = body["messages"][0]["content"]
                with server._lock:
                    server.asked[prompt] += 1
                    server.bodies.append(body)
                    server._now += 1
                    server.most_at_once = max(server.most_at_once, server._now)
                    number = server.asked[prompt]
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                reply = server.behave(Request(body, prompt, number, key))
                try:
                    if self.path == "/v1/chat/completions":
                        self._send(reply)
                    else:
                        self._send(error(404, None, f"nothing at {self.path}"))
                    if reply.status == 200 and not reply.cut:
                        with server._lock:
                            server.answered[prompt] += 1
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                finally:
                    with server._lock:
                        server._now -= 1

            def _send(self, reply: Reply) -> None:
                time.sleep(reply.delay)
                raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if reply.cut:
                    self.wfile.write(raw[: len(raw) // 2])
                    self.close_connection = True
                    return
                for part in [raw[i : i + 1] for i in range(len(raw))] if reply.drip else [raw]:
                    self.wfile.write(part)
                    self.wfile.flush()
                    time.sleep(reply.drip)

            def log_message(self, *args: Any) -> None:
                pass

        class Threads(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, address: Any) -> None:
                """Whoever asked was killed."""

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @contextmanager
    def running(self) -> Iterator["ChatServer"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
