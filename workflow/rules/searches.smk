"""Which trials the searches train (`search`), and the runs that answer a dev set.

A run on dev is `<task>/<model>/<seed>/dev`: the model of that folder, which answers dev.jsonl in place of test.jsonl. A
trial has no other run, so nothing answers a test set with it.
"""

SEARCHES = CONFIG.search or {}
SEARCHED = CONFIG.trials()  # {name: its trials, the first with the config's own values}

# {model: trial} of those that are trained for a search; the config's own values at full length are rl or strong_sft
# itself
TRIALS = {trial.model: trial for trials in SEARCHED.values() for trial in trials if trial.model != trial.of}
TRIAL_PATTERN = {
    of: "".join(f"|{model}" for model, trial in TRIALS.items() if trial.of == of) for of in ["rl", "strong_sft"]
}


def searched_runs(name):
    """The runs of a search, a seed each for every trial."""
    return [f"{SEARCHES[name].task}/{trial.model}/{seed}" for trial in SEARCHED[name] for seed in SEARCHES[name].seeds]


# {run on dev: does a search ask for what it retains, too?}
DEV_RUNS = {}
for name, search in SEARCHES.items():
    for run in searched_runs(name):
        run = os.path.join(run, "dev")
        DEV_RUNS[run] = search.retention or DEV_RUNS.get(run, False)
DEV_PATTERN = "".join(f"|{run}" for run in sorted(DEV_RUNS))


def trained_run(run):
    """The run whose model answers: of a run on dev the one that was trained."""
    return os.path.dirname(run) if run in DEV_RUNS else run


def trial_settings(model, shipped):
    """A section of the config with a trial's values in it."""
    return TRIALS[model].settings(shipped) if model in TRIALS else shipped


def steps_of(model):
    """How many updates a training makes, where a search says so."""
    steps = TRIALS[model].steps if model in TRIALS else None
    return {"steps": steps} if steps else {}


def dev_runs(name):
    """The runs on dev of a search."""
    return [os.path.join(run, "dev") for run in searched_runs(name)]


def search_tables():
    """The tables of all searches."""
    if not SEARCHES:
        raise WorkflowError(
            "config key search: no search is declared; name one, as in `search: {rate: {of: rl, task: mt, grid: "
            "{learning_rate: [1.0e-4, 3.0e-4]}}}` (docs/dev_search.md)"
        )
    return expand("results/search/{name}.csv", name=SEARCHES)


def search_settings(name):
    """What a search's table depends on beside the figures: which trials there are, and how they are compared."""
    entry = SEARCHES[name]
    shipped = getattr(CONFIG, entry.of)
    return {
        **entry.model_dump(include={"of", "task", "seeds", "steps", "measure"}),
        "retention": RETAINED[:1] if entry.retention else [],
        "trials": [{"model": trial.model, "values": trial.values} for trial in SEARCHED[name]],
        "shipped": {key: getattr(shipped, key) for key in entry.varied()},
    }
