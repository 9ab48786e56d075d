"""Tests of RL against strong SFT and against its cold start."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from semalign.config.data import Language
from semalign.config.statistics import Statistics
from semalign.runtime import job
from semalign.statistics.comparison_notes import note, shown
from semalign.statistics.comparisons import Request, compare
from semalign.statistics.retained import Retained
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    statistics = Statistics.model_validate(settings["statistics"])
    languages = {task: Language.model_validate(entry) for task, entry in settings["languages"].items()}
    retention = [Retained(**entry) for entry in settings["retention"]]
    names = ("tasks", "seeds", "judged", "forgetting")
    given = {name: settings[name] for name in names}
    given |= {name: settings[name] for name in ("given", "opponents", "trained") if name in settings}
    frame = compare(Request(Path("results"), languages=languages, statistics=statistics, retention=retention, **given))
    text = note(statistics, len(settings["seeds"]), retention, settings.get("trained", True))
    of_all = set(frame.loc[frame["seed"] == "all", "test"]) | {"sacrebleu paired bootstrap (p)"}
    brief = shown(frame[(frame["seed"] == "all") | ~frame["test"].isin(of_all)])
    part = Part(shown(frame), text, keys=5, latex=brief, latex_note="Seeds one by one stand in the CSV.")
    made = {"statistics": settings["statistics"], "seeds": settings["seeds"], "signature": SIGNATURE, "note": text}
    write_table(output, frame, [part], made)


SIGNATURE = "|".join(f"{name}:{version(name)}" for name in ("scipy", "statsmodels", "sacrebleu"))

job.run(main, snakemake)
