"""Config of intervals and tests."""

from typing import Annotated

from pydantic import Field

from semalign.config.base import Count, Distinct, InnerShare, Seed, Strict
from semalign.config.names import TaskName


class Primary(Strict):
    """A comparison declared before the results are seen: RL − strong SFT."""

    task: TaskName = Field(description="the task whose models are compared")
    measure: str = Field(
        description="`retention`, or the column itself (cmrc_avg): the primary benchmark's own figure; `judge_net`: "
        "the judge's wins less losses"
    )


class Statistics(Strict):
    """Intervals and tests."""

    resamples: Count = Field(2000, description="of every bootstrap")
    confidence: InnerShare = Field(0.95, description="of every interval")
    seed: Seed = Field(0, description="of every bootstrap")
    primary: Annotated[list[Primary], Distinct] = Field(
        default_factory=list, description="compared at Holm-adjusted p; every other test is exploratory"
    )
