"""Checks before anything runs, beyond the config's own shape."""

import os
from importlib.util import find_spec
from pathlib import Path

from semalign.config.downloads import FOLDER, collision, problem_with
from semalign.config.judge import LlmJudge
from semalign.judging.templates import read_template
from semalign.metrics.bleu import SentenceBleu
from semalign.preflight.referenced_paths import check_named_files, is_external, named_files
from semalign.preflight.root import Config
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json
from semalign.text.identification import identifier
from semalign.text.languages import check_scripts


def check(config: Config, folder: Path) -> None:
    """Raise InputError, naming the key, for missing or unusable files, models, scripts and tokenizers."""
    results = folder / "results"
    if os.path.lexists(results) and not results.is_dir():
        raise InputError("results: is no folder, and results go there; move it away")
    check_languages(config)
    check_extras(config)
    harness = [name for name, entry in config.retention.benchmarks.items() if entry.kind == "lm_eval"]
    for name in harness if find_spec("lm_eval") is None else ():
        raise InputError(
            f"config key retention.benchmarks.{name}: lm-eval is not installed here; install it with python -m pip "
            "install -r envs/requirements-lm-eval.txt, or take the benchmark out with null"
        )
    check_named_files(config)
    check_positions(config)
    check_downloads(config)
    check_templates(config)
    if isinstance(config.judge, LlmJudge):
        for name, task in config.tasks.items():
            read_template(name, config.judge.prompts, task.prompt)


def check_extras(config: Config) -> None:
    """Raise InputError where a key needs a package of an extra that is not installed."""
    policy = config.policy
    needed = [(key, "vllm", "-r envs/requirements-vllm.txt", "hf") for key in config.with_vllm()]
    if policy.quantization:
        needed.append(("policy.quantization", "bitsandbytes", "-r envs/requirements-nf4.txt", "null"))
    if policy.attention == "flash_attention_2":
        how = "--no-build-isolation -r envs/requirements-flash.txt"
        needed.append(("policy.attention", "flash_attn", how, "sdpa"))
    if config.tracking != "none":
        needed.append(("tracking", config.tracking, f"-r envs/requirements-{config.tracking}.txt", "none"))
    for key, package, how, otherwise in needed:
        spec = find_spec(package)
        if spec is None or spec.origin is None:  # without origin: a mere folder of that name, as wandb leaves one
            raise InputError(
                f"config key {key}: {package} is not installed here; install it with python -m pip install {how}, or "
                f"set it to {otherwise}"
            )


def check_languages(config: Config) -> None:
    """Raise InputError for a script that Unicode does not know, a tokenizer of BLEU that there is not, or an identifier
    that is not there or does not know its language."""
    for name, language in config.languages.items():
        try:
            check_scripts(language)
            SentenceBleu(language)
            if language.identify == "lingua":
                identifier("lingua", str(language.code), tuple(language.among or ()))
        except InputError as error:
            raise InputError(f"config key languages.{name}.{error}") from error


def check_templates(config: Config) -> None:
    """Raise InputError for a chat template that is no text of the user's own; a job checks whether it can be used."""
    templates = {"policy.chat_template": config.policy.chat_template}
    templates |= {f"models.{name}.chat_template": entry.chat_template for name, entry in config.models.items()}
    for key, path in templates.items():
        if path is None:
            continue
        if not is_external(path):
            raise InputError(f"config key {key}: {path} is a result; name a file of your own")
        try:
            empty = not path.read_text(encoding="utf-8").strip()
        except ValueError as error:
            raise InputError(f"config key {key}: {path} is not UTF-8 ({error}); save it as UTF-8") from error
        if empty:
            raise InputError(f"config key {key}: {path} is empty; write the template that the model needs")


def check_positions(config: Config) -> None:
    """Raise InputError where an encoder's max_tokens are more than its folder's model has positions for."""
    for key, encoder in config.all_encoders().items():
        file = encoder.path / "config.json" if encoder.path else None
        if file is None or not file.is_file():
            continue
        shape = read_json(file)
        positions = shape.get("max_position_embeddings") if isinstance(shape, dict) else None
        if not isinstance(positions, int):
            continue
        roberta = "roberta" in str(shape.get("model_type"))  # counts positions from the padding id on
        padding = shape.get("pad_token_id")
        limit = positions - ((1 if padding is None else int(padding)) + 1 if roberta else 0)
        if encoder.max_tokens > limit:
            raise InputError(
                f"config key {key}.max_tokens: {encoder.max_tokens} is more than the {limit} positions of "
                f"{encoder.path}; {limit} is the most"
            )


def check_downloads(config: Config) -> None:
    """Raise InputError, a line a key, for paths under results/downloads that no download makes; or an unused mirror."""
    problems = [
        f"config key {key}: {problem}"
        for key, path in named_files(config).items()
        if (problem := problem_with(path.as_posix(), config.downloads))
    ]
    if two := collision(config.downloads):
        problems.append(
            f"config key downloads: {two} cannot both be fetched: where one is a file, or has its record beside it "
            "(….json, ….provenance.json, ….log, ….tsv), the other is a folder or the same; rename one of them"
        )
    if config.mirror and not Path(config.mirror).is_dir():
        problems.append(f"config key mirror: {config.mirror} is no folder (looked for in {Path.cwd()})")
    elif config.mirror and Path(config.mirror).resolve() == Path(FOLDER).resolve():
        problems.append(
            f"config key mirror: {config.mirror} is where downloads go; copy it elsewhere and name the copy"
        )
    if problems:
        raise InputError("\n".join(problems))
