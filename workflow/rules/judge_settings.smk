"""What the judge compares, and what its verdicts on a task, and people's votes beside them, depend on."""

from semalign.preflight.comparisons import comparisons, opponents
from semalign.statistics.judgements import OURS
from semalign.statistics.runs import name as run_name

# By task, the pair and seed of each comparison, by the name of its files; of one name they are the same in every task.
COMPARISONS = {task: comparisons(CONFIG, task) for task in CONFIG.tasks}
BY_NAME = {name: pair for of_task in COMPARISONS.values() for name, pair in of_task.items()}
COMPARISON_PATTERN = "|".join([r"\d+", *(name for name in BY_NAME if "-" in name)])
OPPONENTS = opponents(CONFIG)
JUDGED = bool(BY_NAME)


def compared(comparison):
    """The pair of models and the seed of a comparison."""
    return BY_NAME.get(comparison) or (OURS, int(comparison))


def answers_of(task, comparison, side):
    """The answers of the first or second of the two."""
    pair, seed = compared(comparison)
    return f"results/{run_name(task, getattr(pair, side), seed)}/predictions.jsonl"


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


def votes_on(task, comparison):
    """Those on the answers of RL and strong SFT that are compared."""
    votes = votes_of(task)
    return votes if votes and comparison == str(votes.seed) else None


def vote_files(task, comparison):
    """Their file, in a list."""
    votes = votes_on(task, comparison)
    return [votes.path] if votes else []
