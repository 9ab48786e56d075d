"""What the files that a config names hold, as hashes; a file that has not changed since is not read again.

Dates tell little of content: a checkout renews them, a copy may keep them. Rules therefore depend on these hashes.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from semalign.runtime.files import sha256, write_json


class Contents:
    """Hashes of files and folders, remembered in a file by size, both dates and inode."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self.known: dict[str, list[object]] = {}
        with contextlib.suppress(OSError, ValueError):  # absent or damaged: everything is read again
            known = json.loads(memory.read_text(encoding="utf-8"))
            self.known = known if isinstance(known, dict) else {}
        self.used: dict[str, list[object]] = {}

    def hash(self, path: Path) -> str:
        """SHA-256 of a file, or of a folder's relative names and their hashes; hidden files are left out there."""
        if path.is_file():
            return self._file(path)
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path)
            if file.is_file() and not any(part.startswith(".") for part in name.parts):
                digest.update(f"{name.as_posix()}\0{self._file(file)}\n".encode())
        return digest.hexdigest()

    def save(self) -> None:
        """Remember the hashes asked for; where that cannot be written, the next run reads the files again."""
        if self.used != self.known:
            with contextlib.suppress(OSError):
                write_json(self.memory, self.used)

    def _file(self, path: Path) -> str:
        status, key = path.stat(), os.path.abspath(path)
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self.known.get(key)
        same = isinstance(known, list) and known[:4] == state and len(known) == 5
        digest = str(known[4]) if same and known else sha256(path)
        self.used[key] = [*state, digest]
        return digest
