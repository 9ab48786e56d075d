"""Config of the models: the policy, the sentence encoders and their exam."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from semalign.config.base import Count, Rate, Seed, Share, Strict
from semalign.config.data import CorpusItem, EncoderSource, PairSource, Table


class Tokenizer(Strict):
    """A tokenizer made on the spot: the words of a lexicon, or byte-level BPE trained on the text."""

    lexicon: Path | None = Field(None, description="file of words, one a line; BPE of vocab_size when null")
    vocab_size: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> "Tokenizer":
        if (self.lexicon is None) == (self.vocab_size is None):
            raise ValueError("give either lexicon or vocab_size")
        return self


class Shape(Strict):
    """Shape of a transformer made on the spot."""

    hidden_size: Count
    intermediate_size: Count
    layers: Count
    heads: Count
    initializer_range: Rate = 0.02


class Pretraining(Strict):
    """How a policy made on the spot is trained before anything else."""

    corpus: list[CorpusItem] = Field(min_length=1)
    tokenizer: Tokenizer
    shape: Shape
    seed: Seed = 0
    steps: Count
    batch_size: Count
    learning_rate: Rate
    warmup_ratio: Share = 0.05
    max_tokens: Count = Field(512, description="longer documents are cut; counted")


class Policy(Strict):
    """The language model that is taught."""

    path: Path | None = Field(None, description="folder of a pretrained model; null: made by `pretraining`")
    pretraining: Pretraining | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _check(self) -> "Policy":
        if self.path is None and self.pretraining is None:
            raise ValueError("give path or pretraining")
        return self


class EncoderShape(Shape):
    architecture: Literal["xlm-roberta", "bert"]
    dropout: Share = Field(0.0, description="while it is trained; a pretrained encoder keeps its own")


class Encoder(Strict):
    """A sentence encoder tuned contrastively on parallel pairs."""

    path: Path | None = Field(None, description="folder of a pretrained encoder; null: random weights of `shape`")
    shape: EncoderShape | None = None
    tokenizer: Tokenizer | None = None
    train: list[EncoderSource] = Field(
        min_length=1, description="tables of anchor, positive and, perhaps, negative; or pairs of any other format"
    )
    seed: Seed = 0
    epochs: Rate = 1
    batch_size: Count
    mini_batch_size: Count = 64
    learning_rate: Rate
    warmup_ratio: Share = 0.1
    scale: Rate = 20.0
    max_tokens: Count = 256

    @model_validator(mode="after")
    def _check(self) -> "Encoder":
        if self.path is None and (self.shape is None or self.tokenizer is None):
            raise ValueError("give path, or shape and tokenizer")
        return self


class Encoders(Strict):
    reward: Encoder = Field(description="the semantic reward")
    independent: Encoder = Field(description="never a reward: shows over-optimisation")


HardNegative = Literal[
    "number_swapped",
    "name_swapped",
    "negated",
    "reordered",
    "repeated_twice",
    "source_copied",
    "truncated",
    "code_mixed",
]


class ExamBars(Strict):
    """What an encoder must reach before GRPO may start."""

    retrieval: Share = Field(description="bitext retrieval accuracy, the lower direction")
    spearman: Rate = Field(le=1, description="rank correlation of similarity with grade")
    auc: Share = Field(description="the lowest AUC between neighbouring grades")
    inequality: dict[HardNegative, Share] = Field(
        default_factory=dict,
        description="kind: share of its items below their reference; other kinds are reported only",
    )


class Exam(Strict):
    pairs: list[PairSource] = Field(min_length=1, description="held-out parallel pairs, grouped by document")
    probes: list[Table] = Field(default_factory=list, description="tables of kind, reference, candidate")
    size: Count = 300
    seed: Seed = 0
    bars: ExamBars
