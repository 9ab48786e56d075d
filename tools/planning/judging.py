"""What a language model as the judge will cost, before there are any answers to judge."""

from collections import Counter
from collections.abc import Mapping

from semalign.config.judge import LlmJudge
from semalign.config.names import TaskName
from semalign.judging.costs import MILLION, Items, Plan, assumed_text_bytes, plan
from semalign.judging.templates import read_template
from semalign.preflight.root import Config
from tools.planning.dag import Job


def judged(config: Config, test_pairs: Mapping[TaskName, int], jobs: list[Job]) -> Plan | None:
    """Calls and costs of the jobs that judge, texts as long as the config lets them be; None where nobody is asked."""
    judge = config.judge
    if not isinstance(judge, LlmJudge):
        return None
    found = Counter(job.wildcards["task"] for job in jobs if job.rule == "judge_pairs")
    numbers = {task: found[task] for task in sorted(config.tasks) if task in found}
    items = {task: Items(test_pairs[task], assumed_text_bytes(config.tasks[task])) for task in numbers}
    templates = {task: read_template(task, judge.prompts, config.tasks[task].prompt) for task in items}
    return plan(judge, items, templates, numbers)


def sentence(judge: object, found: Plan | None) -> str:
    """One line for people."""
    if found is None:
        return "Judge: no calls; nobody is asked over a network."
    assert isinstance(judge, LlmJudge)  # else there is no plan
    outputs = (
        "no limit set on answers"
        if found.output_tokens is None
        else f"{found.output_tokens / MILLION:.1f} million of answers"
    )
    calls = f"Judge ({judge.model}): {found.calls} calls ({found.most_calls} if each must be made three times), at most"
    tokens = f"{found.input_tokens / MILLION:.1f} million tokens of prompts, {outputs}"
    if judge.ceiling is None:
        return f"{calls} {tokens}; nothing is paid."
    return (
        f"{calls} {tokens}: at most {found.cost:.2f} ({found.most_cost:.2f}) at the config's prices; the run stops "
        f"before it costs more than judge.ceiling, {judge.ceiling:.2f}. Its pilot estimates the real cost."
    )
