"""Config of the audit: from which figure on answers are suspect, and from which on they have collapsed."""

from pydantic import Field, model_validator

from semalign.config.base import Count, Positive, Share, Strict


class Rising(Strict):
    """Thresholds of a share: the more, the worse."""

    warning: Share = Field(description="from here on")
    collapsed: Share = Field(description="from here on")

    @model_validator(mode="after")
    def _check_order(self) -> "Rising":
        if self.warning > self.collapsed:
            raise ValueError(f"warning {self.warning} must not be above collapsed {self.collapsed}")
        return self


class Factor(Rising):
    """Thresholds of a ratio, either way: 2 is twice as much, or half."""

    warning: Positive = Field(ge=1, description="from here on")
    collapsed: Positive = Field(ge=1, description="from here on")


class Falling(Strict):
    """Thresholds of what is left: the less, the worse."""

    warning: Share = Field(description="from here down")
    collapsed: Share = Field(description="from here down")

    @model_validator(mode="after")
    def _check_order(self) -> "Falling":
        if self.warning < self.collapsed:
            raise ValueError(f"warning {self.warning} must not be below collapsed {self.collapsed}")
        return self


class Thresholds(Strict):
    """When a run's answers are suspect and when they have collapsed; docs/method.md has the formulas and reasons."""

    over_use: Rising = Field(
        Rising(warning=0.25, collapsed=0.5),
        description="the most that a token's share of the answers lies above its share of the references; a quarter, "
        "or half, of the answers hold a word that has no place there",
    )
    unused: Rising = Field(
        Rising(warning=0.25, collapsed=0.5),
        description="share of the tokens of 5 references or more that no answer has; by chance one in a hundred is "
        "missing (e⁻⁵)",
    )
    lost: Rising = Field(
        Rising(warning=0.15, collapsed=0.5),
        description="the largest share of the references that hold a token which no answer has: a word, a negation, "
        "an ending that the policy gave up",
    )
    divergence: Rising = Field(
        Rising(warning=0.15, collapsed=0.3),
        description="Jensen-Shannon divergence of the tokens from the references', bits above chance; about a fifth, "
        "or half, of the text turned into one foreign word",
    )
    truncated: Rising = Field(
        Rising(warning=0.1, collapsed=0.5),
        description="share of the answers cut at the length limit; one that is cut has not been ended by the policy",
    )
    repeated: Rising = Field(
        Rising(warning=0.1, collapsed=0.5),
        description="share of repeated 4-grams above the references'; texts of people repeat few: 3% and less",
    )
    length: Factor = Field(
        Factor(warning=1.5, collapsed=3.0),
        description="how many times the references' length, or what part of it; half as long again, or three times, is "
        "no choice of words",
    )
    copied: Rising = Field(
        Rising(warning=0.25, collapsed=0.5),
        description="share of an answer that one piece of its source makes up, above the references'",
    )
    duplicates: Rising = Field(
        Rising(warning=0.25, collapsed=0.5),
        description="share of answers that another item has too, above the references': they leave their source aside",
    )
    off_script: Rising = Field(
        Rising(warning=0.1, collapsed=0.5),
        description="share of answers not in the target language's script, above the references'",
    )
    empty: Rising = Field(
        Rising(warning=0.1, collapsed=0.5),
        description="share of blank answers, above the references'",
    )
    entropy: Falling = Field(
        Falling(warning=0.25, collapsed=0.05),
        description="the policy's entropy in the last tenth of RL, as a share of that in the first; some narrowing "
        "is what RL is for",
    )
    group_diversity: Falling = Field(
        Falling(warning=0.25, collapsed=0.05),
        description="the diversity of a prompt's completions in the last tenth of RL, as a share of that in the first; "
        "alike completions earn alike and teach nothing",
    )


class TrainingAudit(Strict):
    """The audit while RL trains."""

    every: Count = Field(10, description="updates from one look at the rollouts to the next; reruns nothing")
    stop: bool = Field(
        False, description="end the training with an error once its rollouts have collapsed; reruns nothing"
    )


class Audit(Strict):
    """Signs that a reward is gamed, or that a policy has collapsed, read from rollouts and test outputs."""

    steps: Count = Field(50, description="steps of a run, evenly spaced, whose rollouts are read")
    thresholds: Thresholds = Field(default_factory=Thresholds, description="of a run's verdict: ok, warning, collapsed")
    training: TrainingAudit = Field(default_factory=TrainingAudit, description="the same while RL trains")
