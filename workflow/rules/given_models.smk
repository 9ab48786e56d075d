"""Models that were trained elsewhere (`models`): what is loaded for their runs, and what must hold of it first."""


def is_whole(run):
    """Is it a whole model that was trained elsewhere?"""
    return run in GIVEN and GIVEN[run].model is not None


def base_of(run):
    """The folder of the whole model that a run measures, with an adapter or without."""
    return given([GIVEN[run].model])[0] if is_whole(run) else BASE_INPUT


def model_files(run):
    """The folders of the user's that a run measures."""
    if run not in GIVEN:
        return [BASE]
    return [GIVEN[run].model] if GIVEN[run].model else [BASE, GIVEN[run].adapter]


def model_settings(run):
    """How a run's model is loaded: as the policy, or a whole model that was trained elsewhere with its own template."""
    if run not in GIVEN:
        return {"policy": POLICY}
    entry = GIVEN[run]
    if entry.adapter:
        return {"policy": POLICY, "given": f"{'.'.join(Path(run).parts)}.adapter"}
    plain = {key: value for key, value in POLICY.items() if key not in TEMPLATE}
    return {"policy": plain | own_template(run)}


def own_template(run):
    """The text of the chat template that the config gives a whole model."""
    path = GIVEN[run].chat_template
    return {"chat_template": path.read_text(encoding="utf-8")} if path else {}


def given_checks(run):
    """What must have found a model that was trained elsewhere to be one that can be measured."""
    return [f"results/{run}/checks.json"] if run in GIVEN else []


def given_use(tasks):
    """What the config does with a whole model that was trained elsewhere and answers these tasks."""
    of_policy = policy_use()
    others = set(CONFIG.tasks) - set(tasks)
    unread = tuple(f"tasks.{task}." for task in others) + ("rl.",)
    of_tasks = {
        name: {key: value for key, value in of_policy[name].items() if not key.startswith(unread)}
        for name in ["prompts", "lengths"]
    }
    plain = {key: value for key, value in of_policy.items() if key not in TEMPLATE}
    return plain | of_tasks | {"trained": False}


def check_settings(run):
    """What looking at a model that was trained elsewhere depends on."""
    key = ".".join(Path(run).parts)
    if not is_whole(run):
        template = TEMPLATE.get("chat_template")
        return {"key": f"{key}.adapter", "use": None, "chat_template": template}
    of_model = given_use(GIVEN_TASKS[run]) | own_template(run)
    return {"key": f"{key}.model", "use": of_model}
