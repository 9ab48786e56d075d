"""The files that the page is made with beside code, and their hashes: templates, style, script, font."""

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
FONT = HERE.parents[2] / "fonts" / "NotoSerifTibetan-Regular.ttf"


def asset_hashes() -> dict[str, str]:
    """{name: hash} of each of these files."""
    files = [*sorted(path for path in TEMPLATES.iterdir() if path.is_file()), FONT]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}
