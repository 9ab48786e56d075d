"""Write docs/examples.md and its pictures from a finished run: python tools/examples.py [--results results]

Pictures of the report are taken by Chromium (tests/install.sh chromium). Nothing is computed: make table3 and make
report make what it shows.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from semalign.metrics.predictions import join  # noqa: E402
from semalign.report.wording import gloss  # noqa: E402
from semalign.runtime.errors import InputError  # noqa: E402
from semalign.runtime.files import Row, read_json  # noqa: E402
from semalign.tables.spreadsheets import read_csv  # noqa: E402
from semalign.tables.summary import summary  # noqa: E402
from semalign.tables.tables import markdown_line  # noqa: E402

SHOWN = ("base", "cold_sft", "strong_sft", "rl")
ITEMS = 3  # of each test set
PICTURES = {
    # name: (width, height, colour scheme, what it shows)
    "report": (1280, 1200, "light", "The first screen of the report"),
    "report-dark": (1280, 1200, "dark", "The same for a reader whose screen is dark"),
    "report-narrow": (400, 900, "light", "The same on a telephone"),
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"), help="of the run (default: results)")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page and its pictures go")
    options = parser.parse_args(arguments)
    try:
        text = page(options.results)
        take_pictures(options.results / "report.html", options.docs / "examples")
    except InputError as error:
        sys.exit(f"examples: {error}")
    (options.docs / "examples.md").write_text(text, encoding="utf-8")
    print(f"{options.docs / 'examples.md'} and {len(PICTURES)} pictures in {options.docs / 'examples'}")


def page(results: Path) -> str:
    """The page in Markdown. Raises InputError where the run is not finished."""
    for name, target in (("table3.csv", "make table3"), ("report.html", "make report")):
        if not (results / name).is_file():
            raise InputError(f"{results / name} is not there: run {target} first")
    table = (results / "table3.md").read_text(encoding="utf-8")
    pictures = [f"![{what}](examples/{name}.png)" for name, (*_, what) in PICTURES.items()]
    parts = [
        "# Example outputs",
        "What a run of the shipped config leaves. `make examples` writes this page from its files.",
        _made(read_json(results / "table3.csv.provenance.json")),
        "## What `make table3` says at its end",
        f"```text\n{summary(results / 'table3.csv')}\n```",
        "## `results/report.html`",
        "`make report` writes one page that opens without a network.",
        *pictures,
        "## What the models wrote",
        "The first sources of each test set, from `results/<task>/<model>/<seed>/predictions.jsonl`.",
        *_answers(results),
        "## `results/table3.md`",
        table.strip(),
        "[Every output](outputs.md) explains each column and file.",
    ]
    return "\n\n".join(parts) + "\n"


def _made(record: Row) -> str:
    versions = record["versions"]
    told = [
        f"{name} {versions[name]}" for name in ("python", "torch", "transformers", "trl", "peft") if name in versions
    ]
    code = f"Code: commit `{record['commit']}`; {', '.join(told)}."
    return f"{code} Another machine gives other figures ([Reruns](reruns.md))."


def _answers(results: Path) -> list[str]:
    """A table for each task that strong SFT and RL have answered, of the first seed that has both."""
    parts = []
    for task in dict.fromkeys(read_csv(results / "table3.csv", dtype=str)["task"]):
        for path in sorted(results.glob(f"{task}/rl/*/predictions.jsonl")):
            seed = path.parent.name
            places = {"base": results / "base"} | {name: results / task / name / seed for name in SHOWN[1:]}
            if all((place / "predictions.jsonl").is_file() for place in places.values()):
                parts += [f"**{task}**, seed {seed}", _table(results, str(task), places)]
                break
    return parts


def _table(results: Path, task: str, places: dict[str, Path]) -> str:
    tests = [str(results / "data" / task / "test.jsonl")]
    rows = {name: join(place / "predictions.jsonl", tests)[task] for name, place in places.items()}
    lines = [markdown_line(["", "text", "what it says"]), "|---|---|---|"]
    for place, item in enumerate(rows["rl"][:ITEMS]):
        texts = [("source", item["source"]), ("reference", item["target"])]
        texts += [(name, rows[name][place]["output"]) for name in SHOWN]
        lines += [markdown_line([name, text, _gloss(results, text)]) for name, text in texts]
    return "\n".join(lines)


def _gloss(results: Path, text: str) -> str:
    """What a text of the generated world says, in English."""
    if not (results / "world").is_dir():
        return ""
    return gloss(text, "bo" if re.search("[\u0f00-\u0fff]", text) else "zh")


def take_pictures(report: Path, folder: Path) -> None:
    """Raises InputError where there is no Chromium."""
    from tests.browser.chromium import MISSING, browser, found, opened

    if not found():
        raise InputError(MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as driver:
        for name, (width, height, scheme, _) in PICTURES.items():
            opened(driver, report.resolve(), width, scheme)
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.save_screenshot(str(folder / f"{name}.png"))


if __name__ == "__main__":
    main(sys.argv[1:])
