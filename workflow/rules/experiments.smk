"""Which runs there are, and what each is made from.

A run is `base`, `models/<name>` of a model that was trained elsewhere, or `<task>/<model>/<seed>`. Models: cold_sft,
strong_sft and rl are the paper's; rl-<variant> is rl with other rewards, rl-encoder-<name> rl with another reward
encoder, fewshot-<start> learns a few pairs from another task's model, sft-<pairs> is a shorter strong_sft, rl@<step> a
snapshot of rl, and <name>@<strength> an entry of frontier.methods at one of its strengths. Trials of searches stand in
searches.smk.
"""

import numpy as np

from semalign.methods.base import Decoded, Trained

# In an order of their own, since a reordered config changes nothing: those between languages first, then by name.
TRANSLATIONS, WITHIN_A_LANGUAGE = (
    sorted(name for name, task in CONFIG.tasks.items() if task.between_languages() == kind) for kind in (True, False)
)
TASKS = [*TRANSLATIONS, *WITHIN_A_LANGUAGE]
TITLES = [[name, CONFIG.tasks[name].title or name.replace("_", " ")] for name in TASKS]
SEEDS = CONFIG.seeds
OF_COLD_TARGETS = {"left_out", "mixed_share"}  # keys of the world
REWRITTEN = CONFIG.world is not None and any(getattr(CONFIG.world, key) for key in OF_COLD_TARGETS)
MODELS = ["cold_sft", "strong_sft", "rl"] if CONFIG.train else []
VARIANTS = [f"rl-{name}" for name in sorted(CONFIG.ablation.variants)] if CONFIG.ablation else []
ENCODED = [f"rl-encoder-{name}" for name in sorted(ABLATED)]
STARTS = [f"fewshot-{name}" for name in CONFIG.few_shot.starts] if CONFIG.few_shot else []
SIZES = [f"sft-{pairs}" for pairs in CONFIG.frontier.sft_pairs] if CONFIG.frontier else []
SNAPSHOTS = [f"rl@{step}" for step in CONFIG.frontier.rl_steps] if CONFIG.frontier else []

METHODS = CONFIG.methods()  # by the name of their entry


def model_of(name, strength):
    """The model of an entry at a strength, which is written as short as it can be: 500, 0.25."""
    return f"{name}@{np.format_float_positional(float(strength), trim='-')}"


# {model: (name of its entry, strength)}, in the order of the names
STRENGTHS = {
    model_of(name, strength): (name, strength) for name in sorted(METHODS) for strength in METHODS[name].strengths
}
TRAINED, DECODED = (
    [model for model, (name, _) in STRENGTHS.items() if isinstance(METHODS[name], kind)] for kind in (Trained, Decoded)
)

# Models that were trained elsewhere, by their run, and the tasks that each answers.
GIVEN = {f"models/{name}": entry for name, entry in sorted(CONFIG.models.items())}
GIVEN_TASKS = {
    run: [task for task in TASKS if entry.tasks is None or task in entry.tasks] for run, entry in GIVEN.items()
}
GIVEN_VALUES = {"given": GIVEN_TASKS} if GIVEN else {}
GIVEN_PATTERN = "".join(f"{run}|" for run in GIVEN)

TASK_PATTERN = "|".join(TASKS)
SFT_PATTERN = r"cold_sft|strong_sft|sft-\d+|fewshot-[a-z_]+"
GRPO_PATTERN = "rl(-encoder)?(-[a-z0-9_]+)?"
ADAPTER_PATTERN = "|".join([SFT_PATTERN, GRPO_PATTERN, r"rl@\d+", *map(re.escape, TRAINED)])
MODEL_PATTERN = "|".join([ADAPTER_PATTERN, *map(re.escape, DECODED)])


def run_pattern(models):
    """Of the base, of models that were trained elsewhere, of the runs of models, and of runs on dev."""
    return rf"base|{GIVEN_PATTERN}({TASK_PATTERN})/({models})/\d+{DEV_PATTERN}"


def runs(tasks, models):
    """The runs of every task, model and seed."""
    return expand("{task}/{model}/{seed}", task=tasks, model=models, seed=SEEDS)


def given_runs(tasks):
    """The runs of models that were trained elsewhere and answer one of these tasks."""
    return [run for run, own in GIVEN_TASKS.items() if set(own) & set(tasks)]


MAIN_MODELS = ["base", *MODELS, *GIVEN]
MAIN_RUNS = ["base", *given_runs(TASKS), *runs(TASKS, MODELS)]
FRONTIER_RUNS = [*MAIN_RUNS, *runs(TASKS, [*SIZES, *SNAPSHOTS, *STRENGTHS])]
VARIANT_RUNS = runs(CONFIG.ablation.task, ["rl", *VARIANTS]) if CONFIG.ablation else []
ENCODED_RUNS = runs(CONFIG.encoder_ablation.task, ["rl", *ENCODED]) if ABLATED else []
RL_RUNS = list(dict.fromkeys([*runs(TASKS, ["rl"] if CONFIG.train else []), *VARIANT_RUNS]))


def tasks_of(run):
    """The tasks on which a run is measured."""
    return TASKS if run == "base" else GIVEN_TASKS.get(run) or [run.split("/")[0]]


def pairs_of(run):
    """The pairs that a run answers: its tasks' test sets, or its task's dev set."""
    part = "dev" if run in DEV_RUNS else "test"
    return expand("results/data/{name}/{part}.jsonl", name=tasks_of(run), part=part)


def answered_of(run):
    """The benchmarks that a run answers; on dev the primary one, where a search asks for it."""
    if run not in DEV_RUNS:
        return ANSWERED
    asked = list(BENCHMARKS)[:1] if DEV_RUNS[run] else []
    return [name for name in asked if name in ANSWERED]


def tests_of(run):
    """What a run answers: its pairs, and the test sets of benchmarks that are answered."""
    questions = expand("results/data/{name}/test.jsonl", name=answered_of(run))
    return [*pairs_of(run), *questions]


# Models whose rollouts must have had a spread.
CHECKED_GRPO = ["rl", *VARIANTS, *[model for model in TRAINED if "reward" in METHODS[STRENGTHS[model][0]].needs]]


def adapter_of(run):
    """The run's adapter; the base and whole models have none."""
    if run in GIVEN:
        return given([GIVEN[run].adapter])[0] if GIVEN[run].adapter else []
    return [] if run == "base" else f"results/{trained_run(run)}/adapter"


def checked_reports(names):
    """The reports of those of the runs whose rollouts must have had a spread."""
    checked = [run for run in map(trained_run, names) if os.path.basename(os.path.dirname(run)) in CHECKED_GRPO]
    return expand("results/{run}/training.json", run=checked)


def sft_recipe(model):
    """(settings, parts of the data, how many of their pairs, the config key of that number) of an SFT."""
    if model == "cold_sft":
        return CONFIG.cold_sft, ["rewritten" if REWRITTEN else "cold"], None, None
    if model == "strong_sft":
        return CONFIG.strong_sft, ["cold", "rl"], None, None
    if model in SIZES:
        pairs = int(model.removeprefix("sft-"))
        return CONFIG.strong_sft, ["cold", "rl"], pairs, "frontier.sft_pairs"
    if model in TRIALS:
        return trial_settings(model, CONFIG.strong_sft), ["cold", "rl"], None, None
    return CONFIG.few_shot.sft, ["cold", "rl"], CONFIG.few_shot.pairs, "few_shot.pairs"


def start_of(model, seed):
    """The adapter that an SFT continues: another task's in few-shot transfer, else none."""
    start = model.removeprefix("fewshot-")
    if start in (model, "base"):
        return []
    return f"results/{CONFIG.few_shot.source_task}/{start}/{seed}/adapter"


def rewards_of(model):
    """The rewards of an RL run and their weights."""
    if model == "rl" or model in ENCODED or model in TRIALS:
        return CONFIG.rl.rewards
    return CONFIG.ablation.variants[model.removeprefix("rl-")].rewards


def encoder_of(model):
    """The encoder that rewards an RL run."""
    return model.removeprefix("rl-encoder-") if model in ENCODED else "reward"


def threshold_name(encoder):
    """The name of the file with the τ that an encoder measures on a cold start."""
    return "threshold" if encoder == "reward" else f"threshold-{encoder}"


THRESHOLDS = {threshold_name(encoder): encoder for encoder in ["reward", *ABLATED]}


def threshold_file(wc, rewards, encoder="reward"):
    """The encoder's τ on the run's cold start, where similarity is one of the rewards."""
    path = f"results/{wc.task}/cold_sft/{wc.seed}/{threshold_name(encoder)}.json"
    return path if "similarity" in rewards else []


def encoder_folder(rewards, encoder="reward"):
    """The encoder, where similarity is one of the rewards."""
    return f"results/encoders/{encoder}/model" if "similarity" in rewards else []


def reward_language(task, rewards):
    """What rewards read of the task's target language."""
    return language_settings(
        CONFIG.tasks[task].target_language,
        script="language" in rewards,
        bleu_tokens="bleu" in rewards,
    )


def grpo_settings(model):
    """What GRPO depends on. Only rl itself, from which the frontier takes them, leaves snapshots."""
    changes = {"rewards": rewards_of(model)}
    if model != "rl" or not CONFIG.frontier:
        changes["snapshot_steps"] = None
    unread = {"threshold_quantile", "max_zero_variance_share"}
    if CONFIG.rl.generation != "vllm":
        unread |= {"vllm_memory"}
    own = trial_settings(model, CONFIG.rl)
    return own.model_dump(mode="json", exclude=unread) | changes


def user_reward_files(rewards):
    """The files of the user's own rewards and what these import, so that an edited one trains again."""
    return sorted({path for name in rewards for path in USER_REWARDS.get(name, [])})


def variants_of(task):
    """The reward variants trained on a task."""
    return VARIANTS if CONFIG.ablation and task == CONFIG.ablation.task else []


# What must exist, be read in full and pass check_amounts before any expensive job starts: the one gate of all
# that is costly, so that another part of the config does not change what a training waits for.
READ_THROUGH = [
    *expand("results/data/{task}/split.report.json", task=TASKS),
    *expand("results/data/{name}/test.report.json", name=[*ANSWERED, *ITEMISED]),
    *([f"results/data/{PASSAGES_OF}/passages.report.json"] if CONFIG.forgetting else []),
    *(["results/data/corpus.report.json"] if PRETRAINING else []),
    *(["results/data/files.json"] if OWN_LATE_SOURCES else []),
    *(["results/data/rewards.json"] if USER_REWARDS else []),
    *(["results/data/metrics.json"] if CONFIG.metric_functions() else []),
    *(["results/data/policy.checks.json"] if CONFIG.policy.path else []),
    *(["results/encoders/pretrained.json"] if PRETRAINED else []),
    *[
        f"results/{run}/checks.json"
        for run, entry in GIVEN.items()
        if entry.model or CONFIG.policy.path  # else the base is not there yet
    ],
]
CHECKED = ["results/data/amounts.json"]

# The exams that what a reward trains must pass. ancient wherever it is read: another exam is not another training.
EXAMS = expand("results/encoders/{encoder}/exam.json", encoder=ENCODERS)
PASSED = [exam.replace(".json", ".passed") for exam in EXAMS]


def gates(names):
    """The gates of those of the runs that are RL, for tables. ancient there: another threshold is not another table."""
    spread = [path.replace(".json", ".passed") for path in checked_reports(names)]
    models = [os.path.basename(os.path.dirname(run)) for run in names]
    rewarded = any(model.startswith(("rl", "fewshot-rl")) for model in models)
    return [*(PASSED if rewarded else []), *spread]
