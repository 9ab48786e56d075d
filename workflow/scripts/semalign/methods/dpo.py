"""Direct preference optimisation, from the cold start, on its own answers ranked by the reward.

Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model", arXiv
2305.18290. Of each prompt's answers the one that earned most is preferred to the one that earned least. The reference
is the cold start.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from semalign.config.base import Positive
from semalign.config.training import Optimisation
from semalign.methods.base import WHICH, Counts, FromColdStart, History, Need, TrainingInputs
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row


class Settings(FromColdStart, Optimisation):
    method: Literal["dpo"] = WHICH
    strengths: Counts
    beta: Positive = Field(0.1, description="DPO's β: the larger, the closer the policy stays to the cold start")

    unit: ClassVar[str] = "prompts"
    needs: ClassVar[frozenset[Need]] = frozenset({"candidates"})

    def passes(self, strength: float) -> float:
        """Two answers are learnt from, and the reference reads both."""
        return strength * 2 * 4 / 3


def preferences(groups: list[list[Row]]) -> list[Row]:
    """{"source", "chosen", "rejected"} of each prompt's candidates, those that all earned the same left out.

    Of candidates that earned the same the first counts. Raises InputError where nothing is left.
    """
    found = []
    for own in groups:
        best, worst = max(own, key=lambda row: row["reward"]), min(own, key=lambda row: row["reward"])
        if best["reward"] > worst["reward"]:
            found.append({"source": best["source"], "chosen": best["completion"], "rejected": worst["completion"]})
    if not found:
        raise InputError(f"dpo: the candidates of each of {len(groups)} prompts earned the same: nothing is preferred")
    return found


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.policy.candidates import by_prompt
    from semalign.policy.preferences import train_dpo

    groups = by_prompt(given.candidates, int(strength), given.key)
    rows = preferences(groups)
    model, tokenizer = given.model()
    report, history = train_dpo(model, tokenizer, rows, given.prompt, settings, settings.beta, **given.where)
    return model, report | {"without_preference": len(groups) - len(rows)}, history
