"""What can be known to be wrong before anything runs, beyond the config's own shape."""

import os
from pathlib import Path

from semalign.bleu import SentenceBleu
from semalign.config import Config
from semalign.config.judge import LlmJudge
from semalign.errors import InputError
from semalign.judging.templates import read_template
from semalign.languages import check_scripts
from semalign.named_files import check_named_files


def check(config: Config, folder: Path) -> None:
    """Raise InputError, naming the key, for what the config names in vain: files, models, scripts, tokenizers."""
    results = folder / "results"
    if os.path.lexists(results) and not results.is_dir():
        raise InputError("results: is no folder, and results go there; move it away")
    check_languages(config)
    check_named_files(config)
    if isinstance(config.judge, LlmJudge):
        for task in config.tasks:
            read_template(task, config.judge.prompts)


def check_languages(config: Config) -> None:
    """Raise InputError for a script that Unicode does not know or a tokenizer of BLEU that there is not."""
    for name, language in config.languages.items():
        try:
            check_scripts(language)
            SentenceBleu(language)
        except InputError as error:
            raise InputError(f"config key languages.{name}.{error}") from error
