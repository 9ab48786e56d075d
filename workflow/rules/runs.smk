"""Which runs there are, what each is made from, and which a table shows.

A run is `base` or `<task>/<model>/<seed>`. Models: cold_sft, strong_sft and rl are the paper's; rl-<variant> is rl with
other rewards, fewshot-<start> learns a few pairs from another task's model, sft-<pairs> is a shorter strong_sft,
rl@<step> a snapshot of rl, and <name>@<strength> an entry of frontier.methods at one of its strengths.
"""

import numpy as np

from semalign.methods.base import Decoded, Trained

# In an order of their own: a reordered config changes nothing.
TASKS = sorted(CONFIG.tasks, reverse=True)
SEEDS = CONFIG.seeds
MODELS = ["cold_sft", "strong_sft", "rl"]
VARIANTS = (
    [f"rl-{name}" for name in sorted(CONFIG.ablation.variants)]
    if CONFIG.ablation
    else []
)
STARTS = (
    [f"fewshot-{name}" for name in CONFIG.few_shot.starts] if CONFIG.few_shot else []
)
SIZES = (
    [f"sft-{pairs}" for pairs in CONFIG.frontier.sft_pairs] if CONFIG.frontier else []
)
SNAPSHOTS = (
    [f"rl@{step}" for step in CONFIG.frontier.rl_steps] if CONFIG.frontier else []
)

METHODS = CONFIG.methods()  # by the name of their entry


def model_of(name, strength):
    """The model of an entry at a strength, which is written as short as it can be: 500, 0.25."""
    return f"{name}@{np.format_float_positional(float(strength), trim='-')}"


# {model: (name of its entry, strength)}, in the order of the names
STRENGTHS = {
    model_of(name, strength): (name, strength)
    for name in sorted(METHODS)
    for strength in METHODS[name].strengths
}
TRAINED, DECODED = (
    [model for model, (name, _) in STRENGTHS.items() if isinstance(METHODS[name], kind)]
    for kind in (Trained, Decoded)
)

TASK_PATTERN = "mt|hg"
SFT_PATTERN = r"cold_sft|strong_sft|sft-\d+|fewshot-[a-z_]+"
GRPO_PATTERN = "rl(-[a-z0-9_]+)?"
ADAPTER_PATTERN = "|".join(
    [SFT_PATTERN, GRPO_PATTERN, r"rl@\d+", *map(re.escape, TRAINED)]
)
MODEL_PATTERN = "|".join([ADAPTER_PATTERN, *map(re.escape, DECODED)])


def run_pattern(models):
    """Of the base, and of the runs of models."""
    return rf"base|({TASK_PATTERN})/({models})/\d+"


def runs(tasks, models):
    """The runs of every task, model and seed."""
    return expand("{task}/{model}/{seed}", task=tasks, model=models, seed=SEEDS)


MAIN_RUNS = ["base", *runs(TASKS, MODELS)]
FRONTIER_RUNS = [*MAIN_RUNS, *runs(TASKS, [*SIZES, *SNAPSHOTS, *STRENGTHS])]
VARIANT_RUNS = runs(CONFIG.ablation.task, ["rl", *VARIANTS]) if CONFIG.ablation else []
FEW_SHOT_RUNS = runs(CONFIG.few_shot.task, STARTS) if CONFIG.few_shot else []
RL_RUNS = list(dict.fromkeys([*runs(TASKS, ["rl"]), *VARIANT_RUNS]))

# What the frontier walks along: each method's points, strength and model, from weak to strong. A strength of None is read
# from the run's own report.
CURVES = {}
if CONFIG.frontier:
    CURVES["sft"] = {
        "unit": "pairs",
        "points": [
            [0, "base"],
            *[[pairs, f"sft-{pairs}"] for pairs in sorted(CONFIG.frontier.sft_pairs)],
            [None, "strong_sft"],
        ],
    }
    CURVES["rl"] = {
        "unit": "steps",
        "points": [
            [0, "cold_sft"],
            *[[step, f"rl@{step}"] for step in sorted(CONFIG.frontier.rl_steps)],
            [None, "rl"],
        ],
    }


def task_of(run):
    """The task of a run's path, None for the base."""
    return None if run == "base" else run.split("/")[0]


def tasks_of(run):
    """The tasks on which a run is measured."""
    return TASKS if run == "base" else [task_of(run)]


def tests_of(run):
    """The test sets on which a run is measured: its task's and reading comprehension."""
    return expand("results/data/{name}/test.jsonl", name=[*tasks_of(run), "cmrc"])


# Models whose rollouts must have had a spread.
CHECKED_GRPO = [
    "rl",
    *VARIANTS,
    *[model for model in TRAINED if "reward" in METHODS[STRENGTHS[model][0]].needs],
]


def adapter_of(run):
    """The run's adapter; the base has none."""
    return [] if run == "base" else f"results/{run}/adapter"


def checks_of(run):
    """What must have passed before a run is measured, beside what it is made from."""
    model = os.path.basename(os.path.dirname(run))
    return [f"results/{run}/training.passed"] if model in CHECKED_GRPO else []


def sft_recipe(model):
    """(settings, parts of the data, how many of their pairs, the config key of that number) of an SFT."""
    if model == "cold_sft":
        return CONFIG.cold_sft, ["cold"], None, None
    if model == "strong_sft":
        return CONFIG.strong_sft, ["cold", "rl"], None, None
    if model in SIZES:
        pairs = int(model.removeprefix("sft-"))
        return CONFIG.strong_sft, ["cold", "rl"], pairs, "frontier.sft_pairs"
    return CONFIG.few_shot.sft, ["cold", "rl"], CONFIG.few_shot.pairs, "few_shot.pairs"


def start_of(model, seed):
    """The adapter that an SFT continues: another task's in few-shot transfer, else none."""
    start = model.removeprefix("fewshot-")
    if start in (model, "base"):
        return []
    return f"results/{CONFIG.few_shot.source_task}/{start}/{seed}/adapter"


def rewards_of(model):
    """The rewards of an RL run and their weights."""
    if model == "rl":
        return CONFIG.rl.rewards
    return CONFIG.ablation.variants[model.removeprefix("rl-")].rewards


def grpo_settings(model):
    """What GRPO depends on. Only rl itself, from which the frontier takes them, leaves snapshots."""
    changes = {"rewards": rewards_of(model)}
    if model != "rl" or not CONFIG.frontier:
        changes["snapshot_steps"] = None
    unread = {"threshold_quantile", "max_spreadless_share"}
    if CONFIG.rl.generation != "vllm":
        unread |= {"vllm_memory"}
    return CONFIG.rl.model_dump(mode="json", exclude=unread) | changes


def user_reward_files(rewards):
    """The files of the user's own rewards and what these import, so that an edited one trains again."""
    return sorted({path for name in rewards for path in USER_REWARDS.get(name, [])})


def curve_of(name):
    """A method as a curve, from weak to strong: the model without it, its own, and the strongest where that is known."""
    entry = METHODS[name]
    points = [[entry.strength_of_weakest, entry.weakest]]
    points += [[strength, model_of(name, strength)] for strength in entry.strengths]
    if entry.strongest:
        points.append([entry.strength_of_strongest, entry.strongest])
    return {"unit": entry.unit, "points": points}


CURVES |= {name: curve_of(name) for name in sorted(METHODS)}


def variants_of(task):
    """The reward variants trained on a task."""
    return VARIANTS if CONFIG.ablation and task == CONFIG.ablation.task else []


# What must be there, read through and found good, before anything costly begins.
CHECKED = [
    *expand("results/data/{task}/split.report.json", task=TASKS),
    "results/data/cmrc/test.report.json",
    *(["results/data/cmrc/passages.report.json"] if CONFIG.mechanism else []),
    *(["results/data/corpus.report.json"] if PRETRAINING else []),
    *(["results/data/files.json"] if any(OWN_READ_LATE.values()) else []),
]

# Each table's tasks and rows; a table whose experiment the config leaves out is not there.
TABLE_ROWS = {
    "table1": (["mt"], ["base", "cold_sft", "rl"]),
    "table2": (["hg"], ["base", "cold_sft", "rl"]),
    "table3": (TASKS, ["base", *MODELS]),
}
if CONFIG.few_shot:
    TABLE_ROWS["table4"] = ([CONFIG.few_shot.task], STARTS)
if CONFIG.ablation:
    TABLE_ROWS["table5"] = ([CONFIG.ablation.task], ["rl", *VARIANTS])
if CONFIG.mechanism:
    TABLE_ROWS["table6a"] = (TASKS, ["base", *MODELS])
    TABLE_ROWS["table6b"] = (TASKS, ["base", *MODELS])
TABLE_ROWS = {
    name: entry for name, entry in TABLE_ROWS.items() if set(entry[0]) <= set(TASKS)
}
TABLES = [
    f"results/{name}.csv"
    for name in [
        *TABLE_ROWS,
        "statistics",
        "audit",
        *(["frontier", "costs"] if CONFIG.frontier else []),
    ]
]


def table_runs(name):
    """The runs whose scores a table shows."""
    tasks, models = TABLE_ROWS[name]
    shared = ["base"] if "base" in models else []
    return shared + runs(tasks, [model for model in models if model != "base"])


def table_scores(name):
    """The files that a table reads of its runs."""
    if name.startswith("table6"):
        return likelihoods(table_runs(name))
    return scores(table_runs(name))


def scores(names):
    """The scores of runs, in all and by item."""
    return expand(
        "results/{run}/scores/{kind}",
        run=names,
        kind=["text.json", "text.jsonl", "similarity.json", "similarity.jsonl"],
    )


def likelihoods(names):
    """NLL and KL of runs, in all and by token."""
    return expand("results/{run}/likelihood.{kind}", run=names, kind=["json", "npz"])


VERDICTS = expand(
    "results/{task}/judge/{seed}.{kind}",
    task=TASKS if JUDGED else [],
    seed=SEEDS,
    kind=["json", "jsonl"],
)
EXAMS = expand("results/encoders/{encoder}/exam.json", encoder=ENCODERS)
