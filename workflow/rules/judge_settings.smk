"""What the judge's verdicts on a task, and people's votes beside them, depend on."""


def judge_settings(task):
    """What a task's verdicts depend on."""
    if CONFIG.judge.kind == "openai":
        template = read_template(task, CONFIG.judge.prompts, CONFIG.tasks[task].prompt)
        return {"judge": CONFIG.judge.asked(), "prompt": template}
    return {"judge": {"kind": CONFIG.judge.kind}, "prompt": None}


def asked_again():
    """How often `make judge-again` set questions without a verdict aside: the judging is run again for them."""
    times = times_asked_again() if CONFIG.judge.kind == "openai" else 0
    return {"asked_again": times} if times else {}


def votes_of(task):
    """People's votes on a task's answers; None where the config has none."""
    return CONFIG.judge.human_votes.get(task) if CONFIG.judge.kind == "openai" else None


def votes_on(task, seed):
    """Those on the answers of a run."""
    votes = votes_of(task)
    return votes if votes and votes.seed == int(seed) else None


def vote_files(task, seed):
    """Their file, in a list."""
    votes = votes_on(task, seed)
    return [votes.path] if votes else []
