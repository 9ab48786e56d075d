"""Config of the data: sources, languages, tasks, and the generated world."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from semalign.config.base import Count, CountFromTwo, Distinct, PositiveShare, Seed, Share, Strict, alike
from semalign.config.metrics import Metrics, check_function, metric_name
from semalign.config.placeholders import prompt_of
from semalign.config.shots import AnsweredShots, Stops, check_drawn_elsewhere


class AlignedText(Strict):
    """Two plain text files, a segment a line, line n of one translating line n of the other."""

    format: Literal["aligned"] = Field(description="how the source is read")
    source: Path = Field(description="the file of source texts")
    target: Path = Field(description="the file of target texts, line by line")
    documents: Path | None = Field(None, description="a file with each line's document id; else each line is one")


class Headlines(Strict):
    """A plain text file of documents whose first segment is their headline."""

    format: Literal["headlines"] = Field(description="how the source is read")
    text: Path = Field(description="the file of all documents, a segment a line")
    documents: Path = Field(description="a file with each line's document id")
    segments: Count | None = Field(None, description="article segments taken; null: all")


class Table(Strict):
    """A table: JSON lines, a JSON list of objects, CSV, TSV or Parquet."""

    format: Literal["jsonl", "json", "csv", "tsv", "parquet"] = Field(description="how the source is read")
    path: Path = Field(description="the file")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="our column: the file's column, where the names differ (source, target, id, group …)",
    )
    quoting: Literal["none"] | None = Field(
        None, description='csv and tsv: none where " is text like any other; null: it encloses fields'
    )


class PairTable(Table):
    """A table of pairs."""

    exclude_ids_from: list[Table] = Field(
        default_factory=list, description="tables whose ids are left out of this one; counted as `excluded`"
    )
    repeated_ids: Literal["error", "left_out"] = Field(
        "error", description="left_out: only the first row of an id is taken; the others are counted as `repeated_id`"
    )


class Joined(Strict):
    """Two tables, a language each, of columns id and text (perhaps group): rows of one id translate one another."""

    format: Literal["joined"] = Field(description="how the source is read")
    source: Table = Field(description="the table of source texts, which gives the order and the groups")
    target: Table = Field(description="the table of target texts; it is held in memory")


class Captions(Strict):
    """Two text files of lines `<image>#<language>#<number> <caption>`, joined by image and number."""

    format: Literal["captions"] = Field(description="how the source is read")
    source: Path = Field(description="the file of captions in the source language")
    target: Path = Field(description="the file of captions in the target language")


class Squad(Strict):
    """Extractive questions in the SQuAD style."""

    format: Literal["squad"] = Field(description="how the source is read")
    path: Path = Field(description="the file")


class Cmrc2018(Strict):
    """Extractive questions in the style in which CMRC 2018 was first published."""

    format: Literal["cmrc2018"] = Field(description="how the source is read")
    path: Path = Field(description="the file")


class Lines(Strict):
    """Monolingual text, a document a line."""

    format: Literal["lines"] = Field(description="how the source is read")
    path: Path = Field(description="the file")


def _holds_answers(source: Squad | Cmrc2018 | Table) -> Squad | Cmrc2018 | Table:
    if source.format in ("csv", "tsv"):
        raise ValueError(f"{source.format} cannot hold a question's list of answers; use jsonl, json or parquet")
    return source


PairSource = Annotated[AlignedText | Headlines | PairTable | Joined | Captions, Field(discriminator="format")]
# A table is one of anchor, positive and perhaps negative there.
EncoderSource = Annotated[AlignedText | Headlines | Table | Joined | Captions, Field(discriminator="format")]
QuestionSource = Annotated[Squad | Cmrc2018 | Table, Field(discriminator="format"), AfterValidator(_holds_answers)]


class CorpusItem(Strict):
    """A part of the corpus on which a policy made on the spot is trained."""

    kind: Literal["questions", "pairs", "text"] = Field(
        description="questions and pairs are given and their answers learnt; text is learnt whole"
    )
    task: str | None = Field(None, description="for pairs: the task whose prompt they are shown with")
    source: Annotated[
        AlignedText | Headlines | PairTable | Joined | Captions | Squad | Cmrc2018 | Lines,
        Field(discriminator="format", description="where its rows come from"),
    ]

    @model_validator(mode="after")
    def _check(self) -> "CorpusItem":
        tables = "jsonl, json, csv, tsv or parquet"
        wanted: tuple[type[Strict], ...]
        wanted, names = {
            "questions": ((Squad, Cmrc2018, Table), "squad, cmrc2018, jsonl, json or parquet"),
            "pairs": (
                (AlignedText, Headlines, Table, Joined, Captions),
                f"aligned, headlines, joined, captions, {tables}",
            ),
            "text": ((Lines, Table), f"lines, {tables}"),
        }[self.kind]
        if not isinstance(self.source, wanted):
            raise ValueError(f"kind: {self.kind} needs a source of format {names}, not {self.source.format}")
        if isinstance(self.source, Squad | Cmrc2018 | Table) and self.kind == "questions":
            _holds_answers(self.source)
        if isinstance(self.source, PairTable) and self.kind != "pairs":
            for key in self.source.model_fields_set & {"exclude_ids_from", "repeated_ids"}:
                if getattr(self.source, key) not in ([], "error"):
                    raise ValueError(f"source.{key}: is for pairs alone, and this is of kind: {self.kind}")
        if (self.task is not None) != (self.kind == "pairs"):
            raise ValueError("task: is given for kind: pairs, whose prompt it names, and for no other kind")
        return self


def _check_identify(name: str) -> str:
    return name if name in ("script", "lingua") else check_function(name)


Identify = Annotated[str, AfterValidator(_check_identify)]


class Language(Strict):
    """One language: its script and what may stand beside it."""

    script: str = Field(description="Unicode script of its letters: Tibetan, Han, Arabic, Cyrillic …")
    excluded_scripts: Annotated[list[str], Distinct] = Field(description="scripts none of whose letters may occur")
    latin_share: Share = Field(description="largest share of Latin among the letters")
    bleu_tokens: str = Field(description="`tibetan` (this project's tokens) or a sacrebleu tokenizer: zh, 13a, char …")
    identify: Identify = Field(
        "script",
        description="what tells the language beside its script: `script` alone, `lingua`, or module:function, called "
        "with a text and `code`, which gives a confidence from 0 to 1",
    )
    code: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="what the identifier calls the language; lingua: its ISO 639 code or its name in English"
    )
    among: Annotated[list[str], Field(min_length=1), Distinct] | None = Field(
        None, description="codes of the languages that lingua tells it from; null: all that lingua knows, slowly"
    )
    threshold: PositiveShare = Field(0.5, description="least confidence of the identifier")
    least_letters: Count = Field(10, description="of a text with fewer letters the script alone decides")

    @model_validator(mode="after")
    def _check(self) -> "Language":
        if (self.code is None) != (self.identify == "script"):
            raise ValueError("code: is given with identify: lingua or module:function, and needed there")
        if self.among and self.identify != "lingua":
            raise ValueError("among: is for identify: lingua alone")
        return self


class World(Strict):
    """The miniature: a generated bilingual world. Absent when all data are the user's own."""

    seed: Seed = Field(0, description="seed of every file of the world")
    questions: Count = Field(description="base-training questions")
    translations: Count = Field(description="base-training generic sentence pairs")
    texts: Count = Field(description="base-training monolingual sentences a language")
    mt_train: Count = Field(description="narrow-domain sentence pairs")
    mt_test: Count = Field(description="sentence pairs of the test set, of scenes that no training file holds")
    hg_train: Count = Field(description="narrow-domain articles with headlines")
    hg_test: Count = Field(description="articles of the test set, of scenes that no training file holds")
    cmrc_test: Count = Field(description="questions on passages outside the narrow domain")
    encoder_triplets: Count = Field(
        description="anchor, positive, hard negative, a set for each encoder; and as many pairs and paraphrases"
    )
    exam_scenes: Count = Field(description="scenes of the encoders' exam")
    house_style: Share = Field(
        description="share of narrow-domain references in one house style; all else stands in every wording"
    )
    left_out: Share = Field(
        0.0,
        description="share of times, places, numbers and qualities that the cold start's targets leave out; above 0 "
        "these all stand in the house style",
    )
    mixed_share: Share = Field(
        0.0, description="share of the cold start's targets whose place and object stand in Chinese; of no other data"
    )


class Split(Strict):
    """How one task's training pool is divided; groups (documents, scenes) are never cut."""

    seed: Seed = Field(0, description="of the order in which groups are drawn")
    cold: Count = Field(description="pairs of the cold start")
    rl: Count | None = Field(None, description="pairs of RL; all that cold start and dev leave, when null")
    dev: Count = Field(description="pairs kept to choose τ and hyperparameters")
    test: Count | None = Field(
        None, description="pairs of the test set, taken from the pool when `test` names no source"
    )


class PairShots(AnsweredShots):
    """Examples of a task."""

    source: Literal["train"] | Annotated[list[PairSource], Distinct] = Field(
        description="train: the pairs of the cold start; or sources; no text of the test set is ever drawn"
    )


class Task(Strict):
    """A generation task: pairs of source and target text."""

    source_language: str = Field(description="one of `languages`: what the texts to be answered are written in")
    target_language: str = Field(description="one of `languages`: what answers must be written in")
    title: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="what tables, figures and reports call the task; null: its name"
    )
    metrics: Metrics = Field(
        description="of the test answers, the task's own one first: bleu (corpus BLEU-4), chrf (chrF++), rouge_l (mean "
        "ROUGE-L), module:function, or keys name, function and model; docs/metrics.md"
    )
    published: Literal["paper_mt", "paper_hg"] | None = Field(
        None,
        description="whose figures tables show beside ours: the paper's Chinese to Tibetan, or its Tibetan headlines; "
        "null: nobody's",
    )
    prompt: Annotated[str, prompt_of("source")] = Field(description="the user's turn; {source} is replaced")
    train: Annotated[list[PairSource], Distinct] = Field(
        default_factory=list,
        description="the pool that is split into cold start, RL and dev; [] only with the config's `train: false`",
    )
    test: Annotated[list[PairSource], Distinct] = Field(
        default_factory=list, description="a test set of its own; else cut from train"
    )
    max_tokens: CountFromTwo = Field(1024, description="longer pairs, prompt and target in policy tokens, are dropped")
    max_new_tokens: Count = Field(256, description="greedy decoding stops here")
    stop: Stops = Field(
        default_factory=list,
        description="an answer ends before the first of these texts, too: to the test set, for τ, and when sampled",
    )
    shots: PairShots | None = Field(
        None, description="examples before each prompt of the test set; in no training, and not for τ; null: none"
    )
    split: Split | None = Field(None, description="how the pool is divided; null where `train` is []")

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "metric" in raw:
            raise ValueError(f"metric: is now `metrics`, a list; write metrics: [{raw['metric']}] in its place")
        return raw

    @model_validator(mode="after")
    def _check(self) -> "Task":
        if bool(self.train) != (self.split is not None):
            raise ValueError("give `train` (sources) and `split` together, or neither where nothing is trained")
        if bool(self.test) == (self.split is not None and self.split.test is not None):
            raise ValueError("give either `test` (sources) or `split.test` (a size), not both and not neither")
        if any(alike(one) == alike(other) for one in self.train for other in self.test):
            raise ValueError("test: names a source of train, too; give the test set files of its own, or split.test")
        if self.shots and self.shots.source == "train" and not self.train:
            raise ValueError("shots.source: train names the pool, and there is none; give sources")
        if self.shots and self.shots.source != "train":
            check_drawn_elsewhere(self.shots.source, self.test)
        return self

    def metric_names(self) -> list[str]:
        """The names of its metrics, the primary one first."""
        return [metric_name(entry) for entry in self.metrics]

    @property
    def pool(self) -> Split:
        """How the pool is divided, of a task that has one. Raises ValueError where it has none."""
        if self.split is None:
            raise ValueError("the task has no pool to divide: train is []")
        return self.split

    def between_languages(self) -> bool:
        """Whether answers are in another language than what is answered: a translation of some kind."""
        return self.source_language != self.target_language
