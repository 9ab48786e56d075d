"""Config of the models: the policy, the sentence encoders and their exam."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from semalign.config.base import (
    Count,
    CountFromThree,
    CountFromTwo,
    Distinct,
    EpochsOrNone,
    PartialShare,
    Positive,
    Rate,
    Seed,
    Share,
    Strict,
)
from semalign.config.data import CorpusItem, EncoderSource, PairSource, Table

BYTES = 256
POLICY_SPECIAL, ENCODER_SPECIAL = 3, 4  # special tokens of the tokenizers made on the spot


class Tokenizer(Strict):
    """A tokenizer made on the spot: the words of a lexicon, or byte-level BPE trained on the text."""

    lexicon: Path | None = Field(None, description="file of words, one a line; BPE of vocab_size when null")
    vocab_size: Count | None = Field(None, description="tokens of the byte-level BPE; null with a lexicon")

    @model_validator(mode="after")
    def _check(self) -> "Tokenizer":
        if (self.lexicon is None) == (self.vocab_size is None):
            raise ValueError("give either lexicon or vocab_size")
        return self

    def check_size(self, special: int) -> None:
        """Raise ValueError where vocab_size cannot hold the bytes and so many special tokens."""
        if self.vocab_size is not None and self.vocab_size < BYTES + special:
            raise ValueError(
                f"tokenizer.vocab_size: {self.vocab_size} cannot hold {BYTES} bytes and {special} special tokens; "
                f"{BYTES + special} is the least"
            )


class Shape(Strict):
    """Shape of a transformer made on the spot."""

    hidden_size: Count = Field(description="width; a multiple of heads")
    intermediate_size: Count = Field(description="width of the feed-forward layers")
    layers: Count = Field(description="transformer blocks")
    heads: Count = Field(description="attention heads")
    initializer_range: Positive = Field(0.02, description="standard deviation of the random weights at the start")

    @model_validator(mode="after")
    def _check_heads(self) -> "Shape":
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of heads {self.heads}; {self._nearest(1)}")
        return self

    def _nearest(self, unit: int) -> str:
        """Widths near this one that would do: multiples of heads × unit."""
        each = self.heads * unit
        below = self.hidden_size // each * each
        return " or ".join(f"hidden_size: {size}" for size in (below, below + each) if size) + " would do"


class PolicyShape(Shape):
    """Shape of a policy made on the spot: rotary positions turn pairs of a head's dimensions."""

    @model_validator(mode="after")
    def _check_pairs(self) -> "PolicyShape":
        if self.hidden_size // self.heads % 2:
            raise ValueError(
                f"hidden_size {self.hidden_size} gives each of {self.heads} heads an odd number of dimensions "
                f"({self.hidden_size // self.heads}), and rotary positions need pairs; {self._nearest(2)}"
            )
        return self


class Pretraining(Strict):
    """How a policy made on the spot is trained before anything else."""

    corpus: Annotated[list[CorpusItem], Distinct] = Field(min_length=1, description="what it reads")
    tokenizer: Tokenizer = Field(description="the policy's tokenizer, made from the corpus")
    shape: PolicyShape = Field(description="of the Qwen3 that is trained")
    seed: Seed = Field(0, description="of its weights and of the order of the corpus")
    steps: Count = Field(description="updates")
    batch_size: Count = Field(description="documents an update")
    learning_rate: Positive = Field(description="peak rate of AdamW")
    warmup_ratio: PartialShare = Field(0.05, description="share of the updates over which the rate rises")
    max_tokens: CountFromTwo = Field(512, description="longer documents are cut; counted")

    @model_validator(mode="after")
    def _check(self) -> "Pretraining":
        self.tokenizer.check_size(POLICY_SPECIAL)
        if self.steps == 1 and self.warmup_ratio:
            raise ValueError(
                "the only one of steps: 1 falls into the warm-up, whose rate begins at 0; set warmup_ratio: 0"
            )
        return self


class Policy(Strict):
    """The language model that is taught."""

    path: Path | None = Field(None, description="folder of a pretrained model; null: made by `pretraining`")
    pretraining: Pretraining | None = Field(None, description="how one is made on the spot; not read where path is set")
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="of the base's weights; adapters are float32")
    quantization: Literal["nf4"] | None = Field(
        None,
        description="nf4: the projections of the base in 4 bits, adapters as ever (QLoRA); needs "
        "envs/requirements-nf4.txt, cuda, dtype bfloat16, one process, no cuda_graphs and no vllm; a release is of "
        "the base as its folder has it",
    )
    attention: Literal["sdpa", "flash_attention_2"] = Field(
        "sdpa",
        description="sdpa: PyTorch's own, or eager where the architecture has no other; flash_attention_2 needs "
        "envs/requirements-flash.txt, cuda, dtype bfloat16 and no cuda_graphs",
    )
    cuda_graphs: bool = Field(
        False,
        description="whether generation on a GPU replays its decoding step as a CUDA graph; never run on a GPU, hence "
        "off; on a CPU it changes nothing",
    )
    chat_template: Path | None = Field(
        None,
        description="a Jinja file in place of the template of the folder at path, which may have none; null: its own",
    )

    @model_validator(mode="after")
    def _check(self) -> "Policy":
        if self.path is None and self.pretraining is None:
            raise ValueError("give path or pretraining")
        if self.path is None and self.chat_template is not None:
            raise ValueError("chat_template: is for a policy at path; one that is made on the spot has its own")
        return self

    def on_a_gpu(self) -> list[str]:
        """The keys whose values need a GPU, a bfloat16 base and generation without graphs: transformers records no step
        of a quantised model, and flash attention reads its mask outside of the GPU."""
        chosen = {"policy.quantization: nf4": self.quantization == "nf4"}
        chosen["policy.attention: flash_attention_2"] = self.attention == "flash_attention_2"
        return [key for key, is_so in chosen.items() if is_so]


class EncoderShape(Shape):
    architecture: Literal["xlm-roberta", "bert"] = Field(description="the kind of transformer")
    dropout: PartialShare = Field(0.0, description="while it is trained; a pretrained encoder keeps its own")


class Encoder(Strict):
    """A sentence encoder tuned contrastively on parallel pairs."""

    path: Path | None = Field(None, description="folder of a pretrained encoder; null: random weights of `shape`")
    shape: EncoderShape | None = Field(None, description="of one made on the spot; not read where path is set")
    tokenizer: Tokenizer | None = Field(None, description="of one made on the spot; not read where path is set")
    train: Annotated[list[EncoderSource], Distinct] = Field(
        min_length=1, description="tables of anchor, positive and, perhaps, negative; or pairs of any other format"
    )
    seed: Seed = Field(0, description="of random weights and of the order of the rows")
    epochs: EpochsOrNone = Field(1, description="passes over the rows")
    batch_size: CountFromTwo = Field(description="rows an update, each the others' negative")
    mini_batch_size: Count = Field(64, description="rows a forward pass, where that is less than batch_size")
    learning_rate: Positive = Field(description="peak rate of AdamW")
    warmup_ratio: PartialShare = Field(0.1, description="share of the updates over which the rate rises")
    scale: Positive = Field(20.0, description="factor of the cosine in the loss, the inverse of its temperature")
    max_tokens: CountFromThree = Field(
        256, description="longer texts are cut; the share is reported. Two are the tokens at a text's ends"
    )

    @model_validator(mode="after")
    def _check(self) -> "Encoder":
        if self.path is None and (self.shape is None or self.tokenizer is None):
            raise ValueError("give path, or shape and tokenizer")
        if self.path is None and self.tokenizer:
            self.tokenizer.check_size(ENCODER_SPECIAL)
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


class ExamThresholds(Strict):
    """What an encoder must reach before GRPO may start."""

    retrieval: Share = Field(description="bitext retrieval accuracy, the lower direction")
    spearman: Rate = Field(le=1, description="rank correlation of similarity with grade")
    auc: Share = Field(description="the lowest AUC between neighbouring grades")
    inequality: dict[HardNegative, Share] = Field(
        default_factory=dict,
        description="kind: share of its items below their reference; other kinds are reported only",
    )


class Exam(Strict):
    pairs: Annotated[list[PairSource], Distinct] = Field(
        min_length=1, description="held-out parallel pairs, grouped by document"
    )
    probes: Annotated[list[Table], Distinct] = Field(
        default_factory=list, description="tables of kind, reference, candidate"
    )
    size: CountFromTwo = Field(300, description="pairs drawn for the exam, at most")
    seed: Seed = Field(0, description="of what is drawn and disturbed")
    thresholds: ExamThresholds = Field(description="what each encoder must reach")
