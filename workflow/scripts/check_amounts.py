"""Check, before any expensive job starts, that the divided data hold enough for every training."""

from typing import Any

from semalign.config.judge import Votes
from semalign.data.corpus import contrastive_rows, held_out_texts
from semalign.data.sources import PAIRS, TRAINING, read_all_pairs
from semalign.judging.votes import read_votes
from semalign.preflight.amounts import Need
from semalign.preflight.counts import check_encoder, check_exam, check_task
from semalign.runtime import job
from semalign.runtime.files import Row, read_json, read_jsonl, write_json
from semalign.text.prompts import conversation_ids, fill, prompt_ids


class Lengths:
    """Tokens of a task's rows; the tokenizer is loaded when it is first asked for."""

    def __init__(self, folder: str, prompt: str, template: str | None) -> None:
        self.folder, self.prompt, self.template = folder, prompt, template
        self.tokenizer: Any = None

    def of_prompt(self, row: Row) -> int:
        return len(prompt_ids(self._loaded(), [self._filled(row)])[0])

    def of_conversation(self, row: Row) -> int:
        return len(conversation_ids(self._loaded(), [self._filled(row)], [row["target"]])[0])

    def _filled(self, row: Row) -> str:
        return fill(self.prompt, source=row["source"])

    def _loaded(self) -> Any:
        if self.tokenizer is None:
            from semalign.policy.policy_tokenizer import load_tokenizer

            self.tokenizer = load_tokenizer(self.folder, self.template)
        return self.tokenizer


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    report: dict[str, Any] = {}
    held_out = held_out_texts([*input.dev, *input.test])
    for number, task in enumerate(settings["tasks"]):
        cold, rl = (list(read_jsonl(input[part][number])) for part in ("cold", "rl"))
        longest = read_json(input.filtered[number])["longest"]
        lengths = Lengths(input.tokenizer, task["prompt"], settings.get("chat_template"))
        limits = {
            part: {key: most for key, most in of_part.items() if most < longest}
            for part, of_part in task["limits"].items()
        }
        limits["prompts"] = task["limits"]["prompts"]
        every = all(most >= longest for most in limits["prompts"].values())  # a prompt is a part of a conversation
        report[task["name"]] = check_task(
            task["name"],
            cold,
            rl,
            [Need(**need) for need in task["needs"]],
            limits,
            (lambda row: 0) if every else lengths.of_prompt,
            lengths.of_conversation,
        )
        if task["votes"] is not None:
            ids = {row["id"] for row in read_jsonl(input.test[number])}
            report[task["name"]]["votes"] = len(read_votes(Votes.model_validate(task["votes"]), ids))
    for key, encoder in settings["encoders"].items():
        rows, counts = contrastive_rows(TRAINING.validate_python(encoder["train"]), held_out, f"{key}.train")
        check_encoder(key, len(rows), encoder["batch_size"], encoder["least"])
        report[key] = counts
    report["exam"] = exams(settings["exam"])
    write_json(output.report, report)


def exams(exam: dict[str, Any]) -> dict[str, dict[str, int]]:
    """What each encoder's exam has of the pairs, by the encoder's config key."""
    pairs = list(read_all_pairs(PAIRS.validate_python(exam["pairs"]), "exam.pairs"))
    found = {}
    for key, train in exam["trained_on"].items():
        learnt, _ = contrastive_rows(TRAINING.validate_python(train), set(), f"{key}.train")
        found[key] = check_exam(key, pairs, learnt, exam["size"], exam["seed"])
    return found


job.run(main, snakemake)
