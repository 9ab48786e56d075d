"""Reward encoders compared: what each reaches in its exam, and what RL with each reaches by the independent measures.

`reward` is the encoder that rewards `rl`; each other one rewards a run of its own, alike in all else. The exam is no
gate for these: that RL on a bad encoder ends badly, or does not, is what is to be seen.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from pydantic.dataclasses import dataclass as validated

from semalign.config.models import ExamThresholds
from semalign.config.statistics import Statistics
from semalign.encoder.exam import shortfalls
from semalign.runtime.files import read_json
from semalign.statistics import runs
from semalign.statistics.bootstrap import Interval
from semalign.statistics.differences import NONE, is_shown
from semalign.statistics.intervals import about_seeds, interval
from semalign.statistics.retained import Retained, title
from semalign.statistics.spread import mean_sd
from semalign.tables.tables import Cell, Row, Table, digits_of

EXAM = ["retrieval", "spearman", "auc", "hard_negatives"]
TRAINED = ["reward_first", "reward_last", "zero_variance"]
REWARD = "reward"


def compared_of(retention: list[Retained]) -> list[str]:
    """The figures by which the runs are compared."""
    return ["similarity_independent", "content", *[benchmark.main for benchmark in retention[:1]]]


def shown_of(retention: list[Retained]) -> list[str]:
    """The figures that are shown for reading."""
    return [*EXAM, *compared_of(retention), "metric", "language_consistency", "reward_first", "reward_last"]


@validated(frozen=True)
class Request:
    """Which encoders are compared, `reward` among them: the model that each rewards, and what each was before tuning.

    retention: the benchmarks, the primary one first. Read below `results`:
    encoders/<encoder>/{exam,training}.json, and each run's scores and training.json.
    """

    results: Path
    task: str
    models: dict[str, str]
    starts: dict[str, str]
    seeds: list[int]
    thresholds: ExamThresholds
    statistics: Statistics
    retention: list[Retained]

    @property
    def compared(self) -> list[str]:
        """The figures by which the runs are compared."""
        return compared_of(self.retention)

    @property
    def reached(self) -> list[str]:
        """The figures of the runs."""
        others = [benchmark.main for benchmark in self.retention[1:]]
        return ["metric", *self.compared, *others, "language_consistency", "similarity"]

    @property
    def encoders(self) -> list[str]:
        """`reward` first."""
        return [REWARD, *sorted(self.models.keys() - {REWARD})]

    def exam(self, encoder: str) -> dict[str, Any]:
        return read_json(self.results / "encoders" / encoder / "exam.json")

    def shortfalls(self, encoder: str) -> list[str]:
        """What an encoder's exam lacks; empty where it passes."""
        return shortfalls(self.exam(encoder), self.thresholds)

    def made(self, encoder: str) -> str:
        """What an encoder is, in words."""
        return made(self.starts[encoder], read_json(self.results / "encoders" / encoder / "training.json"))

    def runs(self, encoder: str) -> list[str]:
        return [runs.name(self.task, self.models[encoder], seed) for seed in self.seeds]


@dataclass(frozen=True)
class Difference:
    """What RL with an encoder reaches less what `rl` reaches: by seed, and the interval over test items."""

    encoder: str
    measure: str
    values: list[float]
    low: float
    high: float

    def verdict(self) -> str:
        if not is_shown(self.values, self.low, self.high):
            return NONE
        return "higher" if self.values[0] > 0 else "lower"

    def sentence(self) -> str:
        digits = digits_of(self.measure)
        between = f"[{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return f"{self.measure} {mean_sd(self.values, digits, '+')} {between}: {self.verdict()}"

    def record(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder,
            "measure": self.measure,
            "difference": self.values,
            "difference_mean": fmean(self.values),
            "difference_sd": stdev(self.values) if len(self.values) > 1 else None,
            "low": self.low,
            "high": self.high,
            "verdict": self.verdict(),
        }


def build(request: Request) -> Table:
    """The table: `reward` first, then for each other encoder its row and the difference of its RL to `rl`."""
    rows, found, by_seed = [], [], {}
    for encoder in request.encoders:
        rows.append(_row(request, encoder))
        by_seed[encoder] = {name: cell.values for name, cell in rows[-1].cells.items()}
        if encoder != REWARD:
            rows.append(_difference_row(request, encoder, by_seed[REWARD], by_seed[encoder]))
            found += _differences(request, encoder, rows[-1])
    text = note(request, found)
    sidecar = {
        "task": request.task,
        "statistics": request.statistics.model_dump(mode="json", exclude={"primary"}),
        "figures_by_seed": by_seed,
        "differences": [difference.record() for difference in found],
        "shortfalls": {encoder: request.shortfalls(encoder) for encoder in request.encoders},
        "encoder_exams": {encoder: request.exam(encoder) for encoder in request.encoders},
        "runs": {
            run: runs.details(request.results, run, request.retention)
            for encoder in request.encoders
            for run in request.runs(encoder)
        },
        "note": text,
    }
    shown = shown_of(request.retention)
    figures = [*EXAM, *request.reached, *TRAINED]
    return Table(figures, shown, rows, request.statistics.confidence, text, sidecar)


def made(start: str, training: dict[str, Any]) -> str:
    """What an encoder is, in words."""
    if not training["tuned"]:
        return f"{start}, not tuned"
    rows = "triplets with a hard negative" if training["hard_negatives"] else "pairs"
    return f"{start}, tuned on {training['rows']} {rows} in {training['steps']} steps"


def exam_figures(report: dict[str, Any], thresholds: ExamThresholds) -> dict[str, Cell]:
    """Of an exam: retrieval in the lower direction, the correlation, and the lowest of the neighbouring grades' AUC and
    of the kinds of hard negatives that have a threshold (of all kinds where none has)."""
    kinds = [kind for kind in (thresholds.inequality or report["inequalities"]) if report["inequalities"][kind]["n"]]
    negatives = min((report["inequalities"][kind] for kind in kinds), key=lambda found: found["share"], default=None)
    lowest = min(report["auc"], key=lambda found: found["auc"], default=None)
    both = [report["retrieval"][way] for way in ("source_to_target", "target_to_source")]
    cells = {
        "retrieval": Cell([min(both)], n=report["retrieval"]["n"]),
        "spearman": Cell([report["spearman"]["value"]], n=report["spearman"]["n"]),
    }
    if lowest:
        cells["auc"] = Cell([lowest["auc"]], n=sum(lowest["n"]))
    if negatives:
        cells["hard_negatives"] = Cell([negatives["share"]], n=negatives["n"])
    return cells


def _keys(request: Request, encoder: str, model: str) -> dict[str, str]:
    ended = model == request.models[encoder]
    return {
        "task": request.task,
        "encoder": encoder,
        "made": request.made(encoder) if ended else "",
        "exam": _outcome(request, encoder) if ended else "",
        "model": model,
        "metric_name": runs.metric_name(request.results, request.runs(encoder)[0], request.task),
    }


def _outcome(request: Request, encoder: str) -> str:
    return "fails" if request.shortfalls(encoder) else "passes"


def _row(request: Request, encoder: str) -> Row:
    names = request.runs(encoder)
    figures = [runs.figures(request.results, run, request.task, request.retention) for run in names]
    cells = exam_figures(request.exam(encoder), request.thresholds)
    for name in request.reached:
        values = [value for figure in figures if (value := figure[name]) is not None]
        if len(values) == len(names):
            cells[name] = Cell.of(values, _interval(request, name, names))
    records = [read_json(request.results / run / "training.json") for run in names]
    cells["reward_first"] = Cell([record["mean_reward_first_tenth"] for record in records])
    cells["reward_last"] = Cell([record["mean_reward_last_tenth"] for record in records])
    cells["zero_variance"] = Cell([record["zero_variance_group_share"] for record in records])
    return Row(_keys(request, encoder, request.models[encoder]), cells, len(request.seeds))


def _difference_row(
    request: Request, encoder: str, of_reward: dict[str, list[float]], own: dict[str, list[float]]
) -> Row:
    """RL with the encoder less `rl`, seed by seed, with the interval of the difference paired by item."""
    cells = {}
    for name in (name for name in request.reached if name in own):
        values = [a - b for a, b in zip(own[name], of_reward[name], strict=True)]
        cells[name] = Cell.of(values, _interval(request, name, request.runs(encoder), request.runs(REWARD)))
    return Row(_keys(request, encoder, "difference"), cells, len(request.seeds), signed=True)


def _interval(request: Request, name: str, of: list[str], less: list[str] | None = None) -> Interval | None:
    return interval(request.results, request.task, name, of, less, request.statistics, request.retention)


def _differences(request: Request, encoder: str, row: Row) -> list[Difference]:
    found = []
    for measure in request.compared:
        cell = row.cells.get(measure)
        if cell and cell.low is not None and cell.high is not None:
            found.append(Difference(encoder, measure, cell.values, cell.low, cell.high))
    return found


def note(request: Request, found: list[Difference]) -> str:
    """How to read the table, and what it says, from its figures alone."""
    seeds, statistics = len(request.seeds), request.statistics
    names = ", ".join(title(benchmark.name) for benchmark in request.retention if benchmark.kind == "extractive")
    whole = f"; whole passages for {names}" if names else ""
    reading = (
        "exam: retrieval in the lower direction, Spearman's correlation of similarity with grade, the lowest AUC of "
        "neighbouring grades and the lowest share among the kinds of hard negatives that have a threshold; only the "
        "exam of reward is a gate. Beside it stands what RL with each encoder reaches; τ is measured by the same "
        "encoder. similarity_independent is by an encoder that rewards none of them. reward_first and reward_last are "
        "the means of the first and the last tenth of RL, in the encoder's own measure, so they are not comparable "
        "between encoders. difference is the run less rl, seed by seed; ± is over seeds (ddof 1), the "
        f"{statistics.confidence:.0%} interval a percentile bootstrap over test items ({statistics.resamples} "
        f"resamples, seed {statistics.seed}{whole}), given these trained models."
    )
    rule = (
        "A difference to rl is called one only if its interval holds no 0, all seeds have one sign, and their mean "
        f"lies beyond two standard deviations: a declared rule, no test. {len(found)} comparisons were made, "
        f"unadjusted. {about_seeds(seeds)}"
    )
    return "\n\n".join([reading, rule, *_sentences(request, found), _summary(request, found)])


def _sentences(request: Request, found: list[Difference]) -> list[str]:
    said = []
    for encoder in request.encoders:
        short = request.shortfalls(encoder)
        result = f"fails the exam ({'; '.join(short)})" if short else "passes the exam"
        sentence = f"{encoder} ({request.made(encoder)}) {result}"
        if encoder != REWARD:
            sentence += "; RL with it less rl: " + ", ".join(d.sentence() for d in found if d.encoder == encoder)
        said.append(sentence + ".")
    return said


def _summary(request: Request, found: list[Difference]) -> str:
    """Whether failing the exam foretold less by the independent encoder."""
    verdicts = {d.encoder: d.verdict() for d in found if d.measure == "similarity_independent"}
    parts = []
    for outcome, said in (("fails", "encoders that fail the exam"), ("passes", "those beside reward that pass it")):
        of = [name for name in verdicts if _outcome(request, name) == outcome]
        if not of:
            continue
        counts = {verdict: sum(verdicts[name] == verdict for name in of) for verdict in ("lower", "higher", NONE)}
        shown = f"{counts['lower']} lower, {counts['higher']} higher, {counts[NONE]} {NONE}"
        parts.append(f"with {said} ({', '.join(of)}) {shown}")
    return f"RL by similarity_independent, to rl: {'; '.join(parts) or 'nothing to compare'}."
