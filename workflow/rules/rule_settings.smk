"""What rules depend on: the files that each one reads of the config, and the values that its result follows from."""

from dataclasses import asdict

from semalign.preflight.amounts import least_examples, needs

FILES_FETCHED = {name: files_of(entry) for name, entry in CONFIG.downloads.items() if files_of(entry) is not None}
MODELS_FETCHED = sorted(set(CONFIG.downloads) - set(FILES_FETCHED))
SOURCE_KEYS = source_keys(CONFIG)

BENCHMARKS = CONFIG.retention.ordered  # by name, the primary one first
ANSWERED = list(CONFIG.retention.extractive)
CHOSEN = {name: entry for name, entry in BENCHMARKS.items() if entry.kind == "multiple_choice"}
HARNESS = [name for name, entry in BENCHMARKS.items() if entry.kind == "lm_eval"]
MEASURED = [name for name in BENCHMARKS if name not in ANSWERED]  # by themselves
ITEMISED = [name for name in MEASURED if name not in HARNESS]  # whose items are read
PASSAGES_OF = CONFIG.passages_of()  # the benchmark on whose passages NLL and KL are measured
# Where examples stand before each prompt.
SHOTS = {name: entry.shots for name, entry in {**BENCHMARKS, **CONFIG.tasks}.items() if getattr(entry, "shots", None)}
# What tables, tests and figures know of the benchmarks, the primary one first.
RETAINED = [{"name": name, "kind": entry.kind, "measures": entry.measures} for name, entry in BENCHMARKS.items()]
# What intervals depend on; which comparisons are primary matters to compare_systems alone.
STATISTICS = CONFIG.statistics.model_dump(mode="json", exclude={"primary"})
FETCHED_AND_READ = [path for path in SOURCE_KEYS if path.startswith("results/downloads/")]
SOURCE_RECORDS = [path.replace("results/downloads/", "results/sources/") + ".json" for path in FETCHED_AND_READ]


def download_settings(name, file=None):
    """What a fetched file depends on, or a fetched model."""
    entry = CONFIG.downloads[name].model_dump(mode="json", exclude={"licence", "about", "token_env"})
    if file is None:
        return {"name": name, "download": entry | {"licence": ""}}
    entry["sha256"] = {key: value for key, value in entry["sha256"].items() if key == file}
    for key in {"files", "urls"} & set(entry):
        part = entry[key]
        entry[key] = {file: part[file]} if isinstance(part, dict) else [file]
    return {"name": name, "file": file, "download": entry | {"licence": ""}}


def lexicon(tokenizer):
    """The word file of a tokenizer made on the spot, in a list."""
    return [tokenizer.lexicon] if tokenizer and tokenizer.lexicon else []


def encoder_key(name):
    """The config key of an encoder."""
    return f"encoder_ablation.encoders.{name}" if name in ABLATED else f"encoders.{name}"


# What is read late, after much has been computed; the user's own of it is read through beforehand.
LATE_SOURCES = {
    "encoders.reward.train": CONFIG.encoders.reward.train,
    "encoders.independent.train": CONFIG.encoders.independent.train,
    **{
        f"{encoder_key(name)}.train": encoder.train
        for name, encoder in ABLATED.items()
        if encoder.train != CONFIG.encoders.reward.train
    },
    **{
        f"{encoder_key(name)}.tokenizer.lexicon": lexicon(encoder.tokenizer)
        for name, encoder in ALL_ENCODERS.items()
        if encoder.path is None
    },
    "exam.pairs": CONFIG.exam.pairs,
    "exam.probes": CONFIG.exam.probes,
    **{
        f"frontier.methods.{name}.texts": method.texts
        for name, method in CONFIG.methods().items()
        if "replay" in method.needs
    },
    **{
        f"judge.human_votes.{task}": [votes]
        for task, votes in (CONFIG.judge.human_votes.items() if CONFIG.judge.kind == "openai" else ())
    },
}
OWN_LATE_SOURCES = {
    key: own
    for key, sources in LATE_SOURCES.items()
    if (own := [source for source in sources if external(files([source]))])
}


def language_entry(name):
    """A language, without what an identifier is told where the script alone decides."""
    entry = CONFIG.languages[name]
    unread = {"code", "among", "threshold", "least_letters"}
    return entry.model_dump(mode="json", exclude=unread if entry.identify == "script" else set())


def language_settings(name, script=False, bleu_tokens=False):
    """Those of a language's settings that count; the others are blank, and an error where they are used after all."""
    entry = language_entry(name)
    of_script = {key: value for key, value in entry.items() if key != "bleu_tokens"}
    blank = {"script": "", "excluded_scripts": [], "latin_share": 0, "bleu_tokens": ""}
    return blank | (of_script if script else {}) | ({"bleu_tokens": entry["bleu_tokens"]} if bleu_tokens else {})


def pair_files(task):
    """The files of a task's pairs."""
    return files(CONFIG.tasks[task].train + CONFIG.tasks[task].test)


def test_sources():
    """By config key the sources of each task's test set, or of the pool that it is cut from."""
    parts = {task: "test" if entry.test else "train" for task, entry in CONFIG.tasks.items()}
    return {f"tasks.{task}.{part}": getattr(CONFIG.tasks[task], part) for task, part in parts.items()}


def pair_settings(task):
    """What preparing a task's pairs depends on."""
    entry = CONFIG.tasks[task].model_dump(mode="json")
    languages = {name: language_settings(entry[name], script=True) for name in LANGUAGE_KEYS}
    return {"task": task, "train": entry["train"], "test": entry["test"], **languages}


def score_settings(task):
    """What a task's text scores depend on."""
    entry = CONFIG.tasks[task]
    return {
        "metrics": [metric_settings(metric) for metric in entry.metrics],
        "language": language_entry(entry.target_language),
    }


def policy_use():
    """What the config does with a given policy."""
    lengths = {
        f"tasks.{name}.max_tokens + tasks.{name}.max_new_tokens": task.max_tokens + task.max_new_tokens
        for name, task in CONFIG.tasks.items()
    }
    rl = CONFIG.rl
    if CONFIG.train:
        lengths["rl.max_prompt_tokens + rl.max_new_tokens"] = rl.max_prompt_tokens + rl.max_new_tokens
    if CONFIG.forgetting:
        lengths["forgetting.max_tokens"] = CONFIG.forgetting.max_tokens
    for name in ITEMISED:
        key = f"retention.benchmarks.{name}.max_tokens"
        lengths[key] = BENCHMARKS[name].max_tokens
    prompts = {f"tasks.{name}.prompt": task.prompt for name, task in CONFIG.tasks.items()}
    return {
        "prompts": prompts
        | {f"retention.benchmarks.{name}.prompt": entry.prompt for name, entry in CONFIG.retention.extractive.items()},
        "lengths": lengths,
        "target_modules": CONFIG.lora.target_modules,
        "dtype": CONFIG.policy.dtype,
        "attention": CONFIG.policy.attention,
        **({} if CONFIG.train else {"trained": False}),
        **TEMPLATE,
    }


def encoder_files(encoder):
    """What an encoder is made from, beside the tasks' test sets that it must not hold."""
    return [
        *files(encoder.train),
        *([encoder.path] if encoder.path else lexicon(encoder.tokenizer)),
    ]


def encoder_settings(encoder):
    """What an encoder's weights depend on. Rows a forward pass count below a batch alone."""
    rows = min(encoder.mini_batch_size, encoder.batch_size)
    return encoder.model_dump(mode="json") | {"mini_batch_size": rows}


# The pretrained ones: what each is, however many times it is named, under the key that names it first.
PRETRAINED = {
    (str(encoder.path), encoder.max_tokens): encoder_key(name)
    for name, encoder in reversed(ALL_ENCODERS.items())
    if encoder.path
}


def start_of_encoder(name):
    """What an encoder was before it was tuned: a pretrained one's folder, or what kind of random weights."""
    encoder = ALL_ENCODERS[name]
    if encoder.path:
        return encoder.path.name
    return f"{encoder.shape.architecture} of random weights"


TUNED = {encoder_key(name): encoder for name, encoder in sorted(ALL_ENCODERS.items()) if encoder.epochs}

# What is trained on, under the key of the first of the encoders that learn the same.
TRAINED_ON = {}
for name in [*ENCODERS, *sorted(ABLATED)]:
    if ALL_ENCODERS[name].train not in TRAINED_ON.values():
        TRAINED_ON[encoder_key(name)] = ALL_ENCODERS[name].train


def amounts_of(task):
    """What a task's data must hold, the longest that its trainings take, and the votes on its test set."""
    sections = {"cold": {"cold_sft": CONFIG.cold_sft}} if CONFIG.train else {}
    sections["pairs"] = {"strong_sft": CONFIG.strong_sft} if CONFIG.train else {}
    if CONFIG.few_shot and CONFIG.few_shot.task == task:
        sections["pairs"]["few_shot.sft"] = CONFIG.few_shot.sft
    limits = {
        part: {f"{key}.max_tokens": entry.max_tokens for key, entry in entries.items()}
        for part, entries in sections.items()
    }
    return {
        "prompt": CONFIG.tasks[task].prompt,
        "needs": [asdict(need) for need in needs(CONFIG, task)],
        "votes": votes_of(task),
        "limits": limits | {"prompts": {"rl.max_prompt_tokens": CONFIG.rl.max_prompt_tokens}},
    }


def files_of_amounts():
    """What is counted, or looked up in a test set, beside the tasks' own data."""
    votes = [votes_of(task) for task in TASKS]
    return [
        *files(chain(CONFIG.exam.pairs, *TRAINED_ON.values())),
        *(entry.path for entry in votes if entry),
    ]


def exam_files(encoder):
    """What an exam is made of: its own pairs and probes, and the training that must not hold them."""
    return files([*CONFIG.exam.pairs, *CONFIG.exam.probes, *encoder.train])
