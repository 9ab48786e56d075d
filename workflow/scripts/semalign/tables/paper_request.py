"""What each of the paper's tables 1 to 6 shows: its figures, its difference row, and its runs."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic.dataclasses import dataclass as validated

from semalign.config.models import ExamThresholds
from semalign.config.statistics import Statistics
from semalign.statistics import judgements, runs
from semalign.statistics.judgements import OURS, Pair
from semalign.statistics.retained import Retained
from semalign.statistics.verdicts import Thresholds

QUALITY = ["metric", "similarity", "similarity_independent", "content"]
SIDE = ["chrf", "bleu_char"]
OF_THE_PAIR = [name for name in judgements.FIGURES if name != "judge_win"]
NLL = ["nll_mean", "nll_median", "nll_p10", "nll_p90"]
KL = ["kl_mean", "kl_median", "kl_p10", "kl_p90"]

KEPT, KEPT_ASIDE, OWN = "<benchmarks>", "<benchmarks aside>", "<benchmarks' own>"
"""Where the columns of the retention benchmarks stand: all that are shown, those of the CSV alone, and each one's
own alone."""
TRADE_OFF = ["metric", "similarity", "similarity_independent", KEPT, "judge_win", "content"]


@dataclass(frozen=True)
class Definition:
    """A table's figures, those shown for reading, its difference row (name, model, less model), and its subject."""

    subject: str
    figures: list[str]
    shown: list[str]
    difference: tuple[str, str, str] | None = None

    def of(self, retention: list[Retained]) -> "Definition":
        """With the columns of these benchmarks, the primary one first."""
        columns = {
            KEPT: [column for benchmark in retention for column in benchmark.columns],
            KEPT_ASIDE: [column for benchmark in retention for column in benchmark.aside],
            OWN: [benchmark.main for benchmark in retention],
        }
        figures, shown = (
            [column for name in names for column in columns.get(name, [name])] for names in (self.figures, self.shown)
        )
        return replace(self, figures=figures, shown=shown)


DEFINITIONS = {
    "table1": Definition("cold start and RL", QUALITY + SIDE, QUALITY, ("change", "rl", "cold_sft")),
    "table2": Definition("cold start and RL", QUALITY + SIDE, QUALITY, ("change", "rl", "cold_sft")),
    "table3": Definition(
        "the trade-off", [*TRADE_OFF, *SIDE, KEPT_ASIDE, *OF_THE_PAIR], TRADE_OFF, ("gap", "rl", "strong_sft")
    ),
    "table4": Definition("few-shot transfer between tasks", [*QUALITY, OWN], [*QUALITY, OWN]),
    "table5": Definition(
        "RL with other rewards, all else equal",
        [*QUALITY, "language_consistency", OWN],
        [*QUALITY, "language_consistency", OWN],
    ),
    "table6a": Definition("token NLL on passages out of the domain, nats", NLL, NLL),
    "table6b": Definition("token KL(adapted ‖ base) on passages out of the domain, nats", KL, KL),
}


@validated(frozen=True)
class Request:
    """What a table is made from: the runs of these tasks, models (the base among them or not) and seeds.

    retention: the benchmarks that it may show, the primary one first. titles: what the tasks are called; without one,
    their names. published: the tasks that have the paper's figures beside ours, and which.
    """

    results: Path
    table: str
    tasks: list[str]
    models: list[str]
    seeds: list[int]
    rewards: dict[str, dict[str, float]]
    judged: bool
    statistics: Statistics
    retention: list[Retained]
    thresholds: Thresholds | None = None
    """Of the audit; None: a table without its verdicts."""
    titles: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    given: dict[str, list[str]] = field(default_factory=dict)
    """The tasks of each model that was trained elsewhere."""
    opponents: dict[str, str] = field(default_factory=dict)
    """Whom each of them is shown to be judged against."""
    exam: ExamThresholds | None = None
    """What the encoders' exams are held against; None: a gate did that before."""

    def judged_pair(self, task: str, model: str) -> Pair | None:
        """The comparison by the judge that a model's row shows; None of a model that it did not see."""
        if not self.judged:
            return None
        if model in (OURS.first, OURS.second):
            return OURS
        other = self.opponents.get(model)
        return Pair(other, model) if other and task in self.given.get(other, [task]) else None

    def models_of(self, task: str) -> list[str]:
        """The models that answer a task."""
        return runs.answering(self.models, task, self.given)

    def runs_of(self, task: str, model: str) -> list[str]:
        """A model's runs of a task, one a seed; of the base, and of one that was trained elsewhere, the only one."""
        return [model] if runs.is_alone(model) else [runs.name(task, model, seed) for seed in self.seeds]

    def further(self) -> list[str]:
        """The figures of metrics beyond the primary ones: those that the tasks name, and chrF++ beside BLEU."""
        if self.table.startswith("table6"):
            return []
        found: dict[str, None] = {}
        for task in self.tasks:
            run = self.runs_of(task, self.models[0])[0]
            own = runs.metric_names(self.results, run, task)
            found |= dict.fromkeys([*own[1:], *(["chrf"] if "bleu" in own and "chrf" not in own else [])])
        return list(found)

    def figures(self) -> list[str]:
        """The columns of the CSV."""
        figures = self.definition.figures
        return [*figures, *(name for name in self.further() if name not in figures)]

    def shown(self) -> list[str]:
        """The columns for reading; further metrics stand beside the primary one."""
        shown = self.definition.shown
        return [shown[0], *self.further(), *shown[1:]]

    def subject(self) -> str:
        """What the table is about."""
        subject = DEFINITIONS[self.table].subject
        if self.table not in ("table1", "table2"):
            return subject
        subject = subject if "rl" in self.models else "the models that are measured"
        return f"{', '.join(self.titles.get(task, task) for task in self.tasks)}: {subject}"

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.table].of(self.retention)
