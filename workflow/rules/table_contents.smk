"""What tables and figures show of the runs: the frontier's curves, each table's rows, and the files that they read."""


def curve_of(name):
    """A method as a curve from weak to strong: the model without it, its own, and the strongest where that is known."""
    entry = METHODS[name]
    points = [[entry.strength_of_start, entry.start_model]]
    points += [[strength, model_of(name, strength)] for strength in entry.strengths]
    if entry.limit_model:
        points.append([entry.strength_of_limit, entry.limit_model])
    return {"unit": entry.unit, "points": points}


# What the frontier walks along: each method's points, strength and model, from weak to strong. A strength of None is
# read from the run's own report.
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
    CURVES |= {name: curve_of(name) for name in sorted(METHODS)}

# Each table's tasks and rows; a table of no task, or whose experiment the config leaves out, is not there.
STARTED = ["cold_sft", "rl"] if CONFIG.train else []
TABLE_ROWS = {
    "table1": (TRANSLATIONS, ["base", *STARTED, *given_runs(TRANSLATIONS)]),
    "table2": (WITHIN_A_LANGUAGE, ["base", *STARTED, *given_runs(WITHIN_A_LANGUAGE)]),
    "table3": (TASKS, MAIN_MODELS),
}
if CONFIG.few_shot:
    TABLE_ROWS["table4"] = ([CONFIG.few_shot.task], STARTS)
if CONFIG.ablation:
    TABLE_ROWS["table5"] = ([CONFIG.ablation.task], ["rl", *VARIANTS])
if CONFIG.forgetting:
    TABLE_ROWS["table6a"] = (TASKS, MAIN_MODELS)
    TABLE_ROWS["table6b"] = (TASKS, MAIN_MODELS)
TABLE_ROWS = {name: entry for name, entry in TABLE_ROWS.items() if entry[0]}
TABLES = [
    f"results/{name}.csv"
    for name in [
        *TABLE_ROWS,
        *(["statistics"] if MODELS or GIVEN else []),
        "audit",
        *(["frontier", "costs"] if CONFIG.frontier else []),
        *(["encoders"] if ABLATED else []),
    ]
]


def titles_of(table):
    """What the tasks of a table are called, where its subject names them."""
    named = TABLE_ROWS[table][0] if table in ("table1", "table2") else []
    return {task: title for task, title in TITLES if task in named}


def table_runs(name):
    """The runs whose scores a table shows."""
    tasks, models = TABLE_ROWS[name]
    alone = [model for model in models if model == "base" or model in GIVEN]
    return alone + runs(tasks, [model for model in models if model not in alone])


def table_scores(name):
    """The files that a table reads of its runs."""
    if name.startswith("table6"):
        return likelihoods(table_runs(name))
    shown = MEASURED if name in ["table3", "table4", "table5"] else []
    return scores(table_runs(name)) + kept(table_runs(name), shown)


def given_of(table):
    """The models that were trained elsewhere among a table's rows, with their tasks and, in table 3, whom each is shown
    to be judged against; nothing where there are none. Where nothing is trained no gate holds the encoders to their
    exam, and table 3 says whether they pass."""
    shown = {run: own for run, own in GIVEN_TASKS.items() if run in TABLE_ROWS[table][1]}
    against = {run: of[0] for run, of in OPPONENTS.items() if of and run in shown}
    judged = {"opponents": against} if against and table == "table3" else {}
    ungated = shown and table == "table3" and not CONFIG.train
    exam = {"exam": CONFIG.exam.thresholds.model_dump(mode="json")} if ungated else {}
    return {"given": shown} | judged | exam if shown else {}


# Tables whose rows have the audit's verdict.
AUDITED = ["table1", "table2", "table3"]


def started_of(task):
    """The models that went on from the cold start, whose slots the audit compares with it."""
    methods = [model for model, (name, _) in STRENGTHS.items() if METHODS[name].start_model == "cold_sft"]
    return [*(["rl"] if MODELS else []), *variants_of(task), *SNAPSHOTS, *methods]


def audited_trainings(name):
    """The reports of RL in which a table reads what became of its rollouts."""
    if name not in AUDITED:
        return []
    of_rl = runs(TABLE_ROWS[name][0], ["rl"] if MODELS else [])
    return expand("results/{run}/training.json", run=of_rl)


def scores(names):
    """The scores of runs, in all and by item."""
    return expand(
        "results/{run}/scores/{kind}",
        run=names,
        kind=["text.json", "text.jsonl", "similarity.json", "similarity.jsonl"],
    )


# The primary benchmark where it is measured by likelihood; in a list.
KEPT_FIRST = [name for name in list(BENCHMARKS)[:1] if name in MEASURED]


def kept(names, benchmarks):
    """The figures of runs in benchmarks that are measured by likelihood, in all and by item."""
    return expand(
        "results/{run}/retention/{name}.{kind}",
        run=names,
        name=benchmarks,
        kind=["json", "jsonl"],
    )


def likelihoods(names):
    """NLL and KL of runs, in all and by token."""
    return expand("results/{run}/likelihood.{kind}", run=names, kind=["json", "npz"])


VERDICTS = [
    f"results/{task}/judge/{name}.{kind}" for task in TASKS for name in COMPARISONS[task] for kind in ["json", "jsonl"]
]

# What the report shows: all that the config asks for or, for `make report`, what of it is there.
AS_IT_IS = os.environ.get("SEMALIGN_REPORT") == "present"


def reported(paths):
    """Those of the paths that the report is made from."""
    return [path for path in paths if not AS_IT_IS or os.path.exists(path)]


def seeds_reported():
    """The seeds of which RL has answered, all of the config's where it is to be made."""
    made = [
        seed for seed in SEEDS if reported(expand("results/{task}/rl/{seed}/predictions.jsonl", task=TASKS, seed=seed))
    ]
    return made or SEEDS
