"""Rows a second, and peak memory, of reading, filtering and scoring text: each stage in a process of its own."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

from bench import in_own_process
from bench.memory import peak_mib
from semalign.config.data import Language, PairTable
from semalign.miniature import chinese, tibetan
from semalign.miniature.scenes import NARROW_DOMAIN, draw_training
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl, read_places, rows_at, write_jsonl

CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")
TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
TEMPLATE = "<|im_start|>user\n翻译：{source}<|im_end|>\n<|im_start|>assistant\n{target}<|im_end|>\n"
TOKENIZER = "tokenizer.json"
TAUGHT = 2000  # rows that teach the tokenizer
PART = 50  # rows of each part but RL's
WORLD_PAIRS = 3000  # generated where no text is given


def real_pairs(folder: Path) -> Iterator[tuple[str, str]]:
    """(Chinese, Tibetan) of a folder's TSV files with the columns tgt_original and src_original."""
    from semalign.data.sources import read_pairs

    columns = {"source": "tgt_original", "target": "src_original"}
    for path in sorted(folder.glob("*.tsv")):
        for row in read_pairs(PairTable(format="tsv", path=path, columns=columns, quoting="none")):
            yield row["source"], row["target"]


def generated_pairs() -> Iterator[tuple[str, str]]:
    """The same of the miniature's world."""
    rng = Random(0)
    for _ in range(WORLD_PAIRS):
        scene = draw_training(rng, NARROW_DOMAIN)
        yield chinese.sentence(rng, scene), tibetan.sentence(rng, scene)


def write_rows(path: Path, pairs: list[tuple[str, str]], rows: int) -> None:
    """So many rows made by repeating the pairs; a number at the end of each source keeps them different."""
    repeated = islice(cycle(pairs), rows)
    write_jsonl(
        path,
        ({"id": str(n), "source": f"{source}{n}", "target": target} for n, (source, target) in enumerate(repeated)),
    )


def _write_tokenizer(path: Path) -> None:
    """A byte-level BPE learnt from the first rows, beside them."""
    from semalign.config.models import Tokenizer
    from semalign.text.tokenizer import build_tokenizer

    texts = (row[side] for row in islice(read_jsonl(path), TAUGHT) for side in ("source", "target"))
    build_tokenizer(Tokenizer(vocab_size=1000), texts).backend_tokenizer.save(str(path.with_name(TOKENIZER)))


# Each stage makes what the script of its rule makes, and returns how many rows it was given.
def prepare(path: Path) -> int:
    from semalign.data.preparation import prepare_pairs
    from semalign.data.sources import read_all_pairs

    table = PairTable(format="jsonl", path=path)
    kept = prepare_pairs(read_all_pairs([table], "bench"), CHINESE, TIBETAN, origin=str(path))
    write_jsonl(path.with_suffix(".out"), kept)
    return int(kept.report["read"])


def length(path: Path) -> int:
    from tokenizers import Tokenizer

    from semalign.data.preparation import filter_length

    tokenizer = Tokenizer.from_file(str(path.with_name(TOKENIZER)))
    kept = filter_length(read_jsonl(path), tokenizer, TEMPLATE, 1024, origin=str(path))
    write_jsonl(path.with_suffix(".out"), kept)
    return int(kept.report["read"])


def split(path: Path) -> int:
    from semalign.config.data import Split
    from semalign.data.splits import split_pairs

    rows = (row | {"group": row["id"], "place": place} for place, row in read_places(path))
    sizes = Split(cold=PART, rl=None, dev=PART, test=PART)
    parts, report = split_pairs(rows, None, sizes, key="split", kept=itemgetter("place"))
    for places in parts.values():
        write_jsonl(path.with_suffix(".out"), rows_at(path, places))
    return sum(report["sizes"].values())


def _answers(path: Path) -> tuple[list[str], list[str], list[str]]:
    """(answers, references, sources): the answer of each row is the next row's reference."""
    rows = list(read_jsonl(path))
    references = [row["target"] for row in rows]
    return [*references[1:], references[0]], references, [row["source"] for row in rows]


def bleu(path: Path) -> int:
    from semalign.metrics.bleu import bleu_with_items

    answers, references, _ = _answers(path)
    return bleu_with_items(answers, references, TIBETAN)[0].n


def rouge(path: Path) -> int:
    from semalign.metrics.rouge import rouge_l

    answers, references, _ = _answers(path)
    return rouge_l(answers, references).n


def audit(path: Path) -> int:
    from semalign.metrics.audit import audit as audited

    answers, references, sources = _answers(path)
    audited(answers, references, sources, [str(n) for n in range(len(answers))], TIBETAN)
    return len(answers)


STAGES: dict[str, Callable[[Path], int]] = {
    "prepare_pairs": prepare,
    "filter_length": length,
    "split_pairs": split,
    "BLEU with item statistics": bleu,
    "ROUGE-L": rouge,
    "audit": audit,
}


def stage(name: str, path: Path) -> Row:
    """Run one stage here and tell its CPU seconds and peak memory, and the memory at its start."""
    before = peak_mib()
    started = time.process_time()
    rows = STAGES[name](path)
    seconds = time.process_time() - started
    return {"stage": name, "rows": rows, "seconds": seconds, "peak_mib": peak_mib(), "start_mib": before}


def measure(counts: list[int], text: Path | None) -> Iterator[dict[str, Any]]:
    """Every stage on so many rows each; what has been found after each of them."""
    pairs = list(real_pairs(text) if text else generated_pairs())
    if not pairs:
        raise InputError(f"{text}: holds no .tsv file with pairs; name a folder that does in --text")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            path = Path(folder) / f"{count}.jsonl"
            write_rows(path, pairs, count)
            _write_tokenizer(path)
            for name in STAGES:
                found.append(in_own_process("bench.data", name, str(path)))
                yield {"pairs": len(pairs), "text": text.name if text else "the miniature's", "stages": found}


if __name__ == "__main__":
    print(json.dumps(stage(sys.argv[1], Path(sys.argv[2]))))
