"""What judging costs: bounds known beforehand, real costs from the servers' counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from semalign.config.data import Task
from semalign.config.judge import LlmJudge, Service
from semalign.config.names import TaskName
from semalign.judging.cache import Stored
from semalign.judging.protocol import drawn_number
from semalign.judging.verdicts import UNREADABLE, read_answer

ATTEMPTS = 3
"""How often a call without a readable verdict is made at most."""

MILLION = 1_000_000
_AROUND_A_PROMPT = 64  # tokens that a server's chat template may add
_BYTES_PER_TOKEN = 6  # of the policy: two Tibetan letters; only where texts do not exist yet


@dataclass(frozen=True)
class Items:
    """How many items a comparison has, and the mean bytes (UTF-8) of an item's source and both candidates."""

    number: int
    text_bytes: float


@dataclass(frozen=True)
class Plan:
    """Calls and their bounds. calls: if every first answer can be read; most: if every call is made three times.

    Tokens and costs are upper bounds, given the texts' sizes. output_tokens is None where `parameters` set an answer no
    limit; costs are 0 where nothing is paid.
    """

    calls: int
    input_tokens: int
    output_tokens: int | None
    cost: float
    most_calls: int
    most_cost: float


def assumed_text_bytes(task: Task) -> float:
    """Bytes of an item's texts by the limits in the config, for a plan made before there are any answers."""
    return float(_BYTES_PER_TOKEN * (task.max_tokens + 2 * task.max_new_tokens))


def plan(
    judge: LlmJudge,
    items: Mapping[TaskName, Items],
    templates: Mapping[TaskName, str],
    comparisons: Mapping[TaskName, int],
) -> Plan:
    """The calls, tokens and costs of judging every item of a task in each of its comparisons, repeats and second judge
    among them."""
    calls, inputs, cost = 0, 0, 0.0
    outputs: int | None = 0
    for task, of_task in items.items():
        prompt_bytes = len(templates[task].encode()) + of_task.text_bytes
        for service, share in shares(judge):
            number = 2 * comparisons[task] * drawn_number(of_task.number, share)
            limit = service.output_limit()
            calls += number
            inputs += int(number * most_input_tokens(prompt_bytes))
            outputs = None if limit is None or outputs is None else outputs + number * limit
            cost += number * cost_bound(service, prompt_bytes)
    return Plan(calls, inputs, outputs, cost, ATTEMPTS * calls, ATTEMPTS * cost)


def shares(judge: LlmJudge) -> list[tuple[Service, float]]:
    """Each round of questions: who is asked, about what share of the items."""
    again = [(judge, judge.self_agreement)] if judge.self_agreement else []
    second = [(judge.second, judge.second.share)] if judge.second and judge.second.share else []
    return [(judge, 1.0), *again, *second]


def most_input_tokens(prompt_bytes: float) -> float:
    """No tokenizer makes more tokens than there are bytes."""
    return prompt_bytes + _AROUND_A_PROMPT


def cost_bound(service: Service, prompt_bytes: float) -> float:
    """The most that one call can cost; 0 where nothing is paid."""
    if service.prices is None:
        return 0.0
    outputs = service.output_limit() or 0  # the config demands it where prices are given
    return (most_input_tokens(prompt_bytes) * service.prices.input + outputs * service.prices.output) / MILLION


def cost(answer: Stored) -> float:
    """What a stored answer cost; its bound where the server did not count tokens, 0 where it refused."""
    if answer.status not in (200, UNREADABLE):
        return 0.0
    read = read_answer(answer.status, answer.body)
    if read.input_tokens is None or read.output_tokens is None:
        return answer.cost_bound
    return (read.input_tokens * answer.price_input + read.output_tokens * answer.price_output) / MILLION
