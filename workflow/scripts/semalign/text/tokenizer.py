"""Tokenizers made on the spot: the words of a lexicon, or byte-level BPE learnt from text.

Both decode to exactly the text they were given. What a lexicon does not hold becomes `<unk>`, which is no special token
to the policy, so that it stays visible in decoded text, and is counted by `count_unknown`; BPE knows every byte.
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from semalign.config.models import Tokenizer as Settings
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_lines

PAD, START, END, UNKNOWN = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unk>"
# The turns of Qwen3 without its tools and thinking; what stands is never changed by what is appended.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_TEMPLATE_PIECES = ("user\n", "assistant\n", "\n")
_ENCODER_SPECIAL = ("<s>", "<pad>", "</s>", UNKNOWN)  # in the order of XLM-R's ids 0 to 3
# BPE never merges across these: a Tibetan syllable with its tsheg, a run of other letters with their marks (one
# space before it at most), a run of digits, and everything else.
_WORDS = Regex(r"[\u0F40-\u0FBC]+\u0F0B?| ?[\p{L}\p{M}]+| ?\p{N}+|[^\p{L}\p{M}\p{N}]")


def read_lexicon(path: str | Path) -> list[str]:
    """The words of a lexicon, one a line. Raises InputError, with file and line, for a word twice, and for none."""
    items: dict[str, int] = {}
    for number, line in read_lines(path):
        if not line:
            continue
        if line in items:
            raise InputError(f"{path}:{number}: {line!r} already stands in line {items[line]}; remove it")
        items[line] = number
    if not items:
        raise InputError(f"{path}: holds no words; write one a line")
    return list(items)


def _lexicon_tokenizer(words: Iterable[str], special: Iterable[str]) -> Tokenizer:
    """Every piece weighs the same, so the fewest pieces win."""
    pieces = list(dict.fromkeys([*special, *words]))
    tokenizer = Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=pieces.index(UNKNOWN)))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _bpe_tokenizer(vocab_size: int, texts: Iterable[str], special: Iterable[str]) -> Tokenizer:
    special = list(special)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if vocab_size < len(alphabet) + len(special):
        raise InputError(f"tokenizer.vocab_size: {vocab_size} cannot hold 256 bytes and {len(special)} special tokens")
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_WORDS, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocab_size, special_tokens=special, initial_alphabet=sorted(alphabet), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _special(*tokens: str) -> list[AddedToken | str]:
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def build_tokenizer(settings: Settings, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """The policy's tokenizer: ChatML turns, `<|im_end|>` ends a text, `<|endoftext|>` pads on the left.

    `texts` teach BPE and are not read where there is a lexicon. Raises InputError if the lexicon is empty, repeats
    an item or cannot be read, or if vocab_size does not hold the bytes.
    """
    if settings.lexicon is not None:
        words = [*_TEMPLATE_PIECES, *read_lexicon(settings.lexicon)]
        tokenizer = _lexicon_tokenizer(words, (PAD, START, END, UNKNOWN))
    else:
        assert settings.vocab_size is not None  # the config model demands one of the two
        tokenizer = _bpe_tokenizer(settings.vocab_size, texts, (PAD, START, END))
    tokenizer.add_special_tokens(_special(PAD, START, END))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def build_encoder_tokenizer(settings: Settings, texts: Iterable[str], max_tokens: int) -> PreTrainedTokenizerFast:
    """A sentence encoder's tokenizer: `<s> text </s>`, `<pad>` on the right, XLM-R's ids 0 to 3 for the special ones.

    Longer texts are cut at max_tokens, special tokens included. Raises InputError as `build_tokenizer`.
    """
    if settings.lexicon is not None:
        tokenizer = _lexicon_tokenizer(read_lexicon(settings.lexicon), _ENCODER_SPECIAL)
    else:
        assert settings.vocab_size is not None
        tokenizer = _bpe_tokenizer(settings.vocab_size, texts, _ENCODER_SPECIAL)
    tokenizer.add_special_tokens(_special(*_ENCODER_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token=UNKNOWN,
        padding_side="right",
        model_max_length=max_tokens,
        clean_up_tokenization_spaces=False,
    )


def unknown_id(tokenizer: PreTrainedTokenizerFast) -> int | None:
    """The id of `<unk>`; None where the tokenizer knows every byte."""
    return tokenizer.get_vocab().get(UNKNOWN)


def count_unknown(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> int:
    """How many `<unk>` the texts turn into; 0 where the tokenizer knows every byte."""
    texts, unknown = list(texts), unknown_id(tokenizer)
    if unknown is None or not texts:
        return 0
    return sum(ids.count(unknown) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"])
