"""The model card: metadata as the hub reads them, and what a reader must know."""

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from semalign.config.downloads import FOLDER, HubDownload
from semalign.runtime.files import Row, read_json
from semalign.tables.tables import markdown_line
from tools.releasing.finished import Base, Run
from tools.releasing.folder import MERGED, OWN_BASE
from tools.releasing.licences import ON_THE_HUB
from tools.releasing.words import METHODS, limits, task_words

_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
TRAINING = ("train_sft", "train_grpo", "take_snapshot")
SHOWN = ("grpo", "sft", "lora", "pairs", "policy", "processes", "seed", "step")
PAPER = "https://arxiv.org/abs/2605.14366"

IN_4_BITS = (
    "It was trained and measured on the base in 4 bits (NF4, by bitsandbytes), and the program above loads it as it "
    "is: answers can differ from those that the figures are of."
)


def language_tags(run: Run) -> tuple[list[str], list[str]]:
    """BCP-47 tags of the task's languages, and their names in the config that are none."""
    task = run.of_task(run.task)
    names = list(dict.fromkeys([task.target_language, task.source_language]))
    return [name for name in names if _TAG.fullmatch(name)], [name for name in names if not _TAG.fullmatch(name)]


def metadata(run: Run, base: Base, licence: str | None, results: list[EvalResult], sources: list[Row]) -> ModelCardData:
    """The YAML at the head of the card. `licence`: the adapter's, as its author states it; None: not stated."""
    tags, _ = language_tags(run)
    names = {
        Path(row["source"]).relative_to(FOLDER).parts[0] for row in sources if row["source"].startswith(str(FOLDER))
    }
    entries = [run.config.downloads[name] for name in sorted(names)]
    data_sets = [entry.repo for entry in entries if isinstance(entry, HubDownload) and entry.kind == "dataset"]
    known = licence is not None and licence.lower() in ON_THE_HUB
    method = METHODS[_method(run)][0]
    return ModelCardData(
        model_name=title(run),
        language=list(dict.fromkeys(tag.partition("-")[0] for tag in tags)) or None,
        license=(licence.lower() if known else "other") if licence else None,
        license_name=None if licence is None or known else _slug(licence),
        base_model=base.repo,
        base_model_relation="adapter" if base.repo else None,
        datasets=data_sets or None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["semalign", "lora", method, task_words(run)[0]],
        eval_results=results,
    )


def title(run: Run) -> str:
    return f"semalign {run.name}"


def card(
    run: Run,
    base: Base,
    licence: str | None,
    results: list[EvalResult],
    sources: list[Row],
    shown: tuple[str, str],
    settings: dict[str, Any],
    merged: bool,
) -> str:
    """The whole card. `shown`: a source text and the model's answer, for the snippet.

    Raises ValueError where the hub's library does not read back the metadata that were written.
    """
    data = metadata(run, base, licence, results, sources)
    sections = [
        f"# {title(run)}\n\n{_what(run, base)}",
        _use(settings, shown, merged),
        _results(run, results),
        _training(run),
        _data(sources),
        f"## Limits\n\n{_bullets(limits(run))}",
        _made(run),
        _licence(licence, base),
    ]
    text = f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"
    if ModelCard(text).data.to_dict() != data.to_dict():
        raise ValueError("the card's metadata are not read back as they were written")
    return text


def _method(run: Run) -> str:
    return str(run.training["rule"] if run.training["rule"] != "take_snapshot" else "train_grpo")


def _what(run: Run, base: Base) -> str:
    where = (
        f"[{base.repo}](https://huggingface.co/{base.repo}) at `{base.revision}`"
        if base.repo
        else f"the model in `{OWN_BASE}/`"
    )
    what = task_words(run)[1]
    how = f"{METHODS[_method(run)][1]} The method is that of [arXiv 2605.14366]({PAPER})."
    return f"A LoRA adapter on {where} that {what}. {how}"


def snippet(settings: dict[str, Any], shown: tuple[str, str]) -> str:
    """A program of transformers and peft alone, to be run in the folder of the release."""
    base = settings["base"]
    own, of_the_hub = f'f"{{folder}}/{base.get("folder")}"', f'"{base.get("repo")}", revision="{base.get("revision")}"'
    load = own if "folder" in base else of_the_hub
    template = "".join(f", {name}={value!r}" for name, value in settings["template_arguments"].items())
    prompt = json.dumps(settings["prompt"], ensure_ascii=False)
    return f"""import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this one; from the hub: huggingface_hub.snapshot_download("owner/name")
tokenizer = AutoTokenizer.from_pretrained(folder)
base = AutoModelForCausalLM.from_pretrained({load}, dtype=torch.{settings["dtype"]})
model = PeftModel.from_pretrained(base, folder).eval()

text = {json.dumps(shown[0], ensure_ascii=False)}
turns = [{{"role": "user", "content": {prompt}.replace("{{source}}", text)}}]
prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True{template})
tokens = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
answer = model.generate(
    **tokens,
    do_sample=False,
    max_new_tokens={settings["max_new_tokens"]},
    eos_token_id={settings["end_tokens"]},
    pad_token_id=tokenizer.pad_token_id,
)
print(tokenizer.decode(answer[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True))
"""


def _use(settings: dict[str, Any], shown: tuple[str, str], merged: bool) -> str:
    asked = json.dumps(settings["prompt"], ensure_ascii=False)
    lines = [
        f"## Use\n\n```python\n{snippet(settings, shown)}```",
        f"When it was measured the answer was: {shown[1]}" if shown[1] else "",
        f"It was trained and measured with the prompt {asked} and with greedy decoding; other prompts were not tried. "
        "In a checkout of semalign, `python tools/translate.py --release FOLDER` answers a line, a file or standard "
        "input in the same way.",
        _about_merged(settings["dtype"]) if merged else "",
        IN_4_BITS if settings["trained_in"] == "nf4" else "",
        "`sha256sum --check SHA256SUMS` tells whether all files arrived whole.",
    ]
    return "\n\n".join(line for line in lines if line)


def _about_merged(dtype: str) -> str:
    rounded = (
        "Rounding them so takes away a part of what was learnt: its answers can differ from the adapter's, which the "
        "figures here are of."
        if dtype == "bfloat16"
        else "Its logits differ from the adapter's by rounding alone."
    )
    return f"`{MERGED}/` holds the whole model, the adapter added in float32 and saved as {dtype}. {rounded}"


def _results(run: Run, results: list[EvalResult]) -> str:
    rows = [
        f"| {one.dataset_name} | {one.metric_name} | {one.metric_value:.4f} | {(one.dataset_args or {})['items']} |"
        for one in results
    ]
    head = f"## Results\n\nOne training run (seed {run.seed}), greedy answers to each test set.\n"
    return "\n".join([head, "| test set | measure | value | items |", "|---|---|---|---|", *rows])


def _training(run: Run) -> str:
    records = {_run_of(record): record["settings"] for record in run.jobs if record["rule"] in TRAINING}
    shown = {
        name: {key: settings[key] for key in SHOWN if key in settings} for name, settings in reversed(records.items())
    }
    blocks = [f"## Training\n\nThe last training first; each starts from the next.\n\n```json\n{_json(shown)}\n```"]
    report = run.folder / "training.json"
    if report.is_file():
        facts = {name: value for name, value in read_json(report).items() if not name.endswith("sha256")}
        blocks.append(f"What came of it:\n\n```json\n{_json(facts)}\n```")
    return "\n\n".join(blocks)


def _run_of(record: Row) -> str:
    return next(iter(record["outputs"])).removeprefix("results/").removesuffix("/adapter")


def _data(sources: list[Row]) -> str:
    rows = [
        markdown_line(
            [
                _plain_name(row["source"]),
                ", ".join(_uses(row["read_by"])),
                _origin(row),
                row["licence"],
                (row["sha256"] or "")[:16],
            ]
        )
        for row in sources
    ]
    head = "| source | used for | origin | licence | SHA-256 |"
    return "\n".join(["## Data and models behind it\n", head, "|---|---|---|---|---|", *rows])


def _plain_name(source: str) -> str:
    """Without the folders of the machine on which it was made."""
    return source.removeprefix(f"{FOLDER}/") if source.startswith("results/") else Path(source).name


def _origin(row: Row) -> str:
    return str(row["origin"]) + (f"; {row['about']}" if row.get("about") else "")


def _uses(read_by: str) -> list[str]:
    """What config keys read a source for, in words."""
    words = []
    for key in read_by.split(", "):
        first, second, *rest = [*key.split("."), "", ""]
        part = rest[0] if rest else ""
        words.append(
            {
                "tasks": f"{second} {'test' if part == 'test' else 'training'}",
                "retention": "retention benchmarks",
                "encoders": f"{second} encoder",
                "exam": "encoder exam",
                "policy": "base",
            }.get(first, key)
        )
    return list(dict.fromkeys(words))


def _made(run: Run) -> str:
    training = run.training
    digest = training["outputs"][f"results/{run.name}/adapter"]
    lines = [
        f"semalign at commit `{training['commit']}`, config `{Path(training['config']).stem}`, {len(run.jobs)} jobs.",
        f"Folder of the adapter before it was released: SHA-256 `{digest}`.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in training["versions"].items()) + ".",
    ]
    chain = [
        f"| {record['rule']} | {_job_of(record)} | `{next(iter(record['outputs'].values()))[:16]}` |"
        for record in run.jobs
    ]
    return "\n".join(
        [
            "## How it was made\n",
            _bullets([*lines, *run.notes]),
            "",
            "| job | of | SHA-256 of its first output |",
            "|---|---|---|",
            *chain,
        ]
    )


def _job_of(record: Row) -> str:
    return "/".join(map(str, record["wildcards"].values()))


def _licence(licence: str | None, base: Base) -> str:
    stated = f"The adapter: {licence}." if licence else "The adapter's author has stated none; ask before you use it."
    return (
        f"## Licence\n\n{stated} "
        + ("The base has its own." if base.repo else f"`{OWN_BASE}/` comes with it.")
        + " The licences of the data are in the table above."
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _slug(licence: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")
