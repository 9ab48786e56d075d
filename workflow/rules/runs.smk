"""Which runs there are, what each is made from, and which a table shows.

A run is `base` or `<task>/<model>/<seed>`. Models: cold_sft, strong_sft and rl are the paper's; rl-<variant> is rl with
other rewards, fewshot-<start> learns a few pairs from another task's model, sft-<pairs> is a shorter strong_sft, and
rl@<step> a snapshot of rl.
"""

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

TASK_PATTERN = "mt|hg"
SFT_PATTERN = r"cold_sft|strong_sft|sft-\d+|fewshot-[a-z_]+"
GRPO_PATTERN = "rl(-[a-z0-9_]+)?"
MODEL_PATTERN = rf"{SFT_PATTERN}|{GRPO_PATTERN}|rl@\d+"


def runs(tasks, models):
    """The runs of every task, model and seed."""
    return expand("{task}/{model}/{seed}", task=tasks, model=models, seed=SEEDS)


MAIN_RUNS = ["base", *runs(TASKS, MODELS)]
FRONTIER_RUNS = [*MAIN_RUNS, *runs(TASKS, SIZES + SNAPSHOTS)]
VARIANT_RUNS = runs(CONFIG.ablation.task, ["rl", *VARIANTS]) if CONFIG.ablation else []
FEW_SHOT_RUNS = runs(CONFIG.few_shot.task, STARTS) if CONFIG.few_shot else []
RL_RUNS = list(dict.fromkeys([*runs(TASKS, ["rl"]), *VARIANT_RUNS]))


def task_of(run):
    """The task of a run's path, None for the base."""
    return None if run == "base" else run.split("/")[0]


def tasks_of(run):
    """The tasks on which a run is measured."""
    return TASKS if run == "base" else [task_of(run)]


def tests_of(run):
    """The test sets on which a run is measured: its task's and reading comprehension."""
    return expand("results/data/{name}/test.jsonl", name=[*tasks_of(run), "cmrc"])


def adapter_of(run):
    """The run's adapter; the base has none."""
    return [] if run == "base" else f"results/{run}/adapter"


def checks_of(run):
    """What must have passed before a run is measured, beside what it is made from."""
    model = os.path.basename(os.path.dirname(run))
    return [f"results/{run}/training.passed"] if model in ["rl", *VARIANTS] else []


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
        *(["frontier"] if CONFIG.frontier else []),
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
