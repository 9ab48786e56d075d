"""What the rules of rivals and remedies (frontier.methods) depend on: entries, adapters, pairs, rewards, settings."""


def entry_of(model):
    """The entry that a model is of."""
    return METHODS[STRENGTHS[model][0]]


def method_settings(script, model, **values):
    """What a model depends on: its entry at its own strength alone, its method's module, and these values."""
    entry = entry_of(model)
    return settings(
        script,
        modules=[f"semalign.methods.{entry.method}"],
        method=entry.model_dump(mode="json", exclude={"strengths"}),
        strength=STRENGTHS[model][1],
        **values,
    )


def if_needed(model, need, paths):
    """The paths where a model's method needs them."""
    return paths if need in entry_of(model).needs else []


def method_adapter(wc):
    """The adapter that a method begins with, or samples from."""
    start = entry_of(wc.model).adapter
    return f"results/{wc.task}/{start}/{wc.seed}/adapter" if start else []


def method_pairs(wc):
    """The pairs that a method learns from."""
    parts = {"pairs": ["cold", "rl"], "rl_pairs": ["rl"]}
    needed = chain(*(parts[need] for need in parts if need in entry_of(wc.model).needs))
    return expand("results/data/{task}/{part}.jsonl", task=wc.task, part=needed)


def method_rewards(model):
    """The rewards of a method that needs them: those of `rl`, and its own."""
    own = entry_of(model).own_rewards.values()
    every = {name: weight for rewards in own for name, weight in rewards.items()}
    return if_needed(model, "reward", CONFIG.rl.rewards | every) or {}


def method_sampling(wc):
    """What else a method depends on that samples from the policy while it trains, as one with rewards of RL does: stop
    strings, and whether activations are kept, without which a prompt is not read once for its group."""
    sampling = stops_of(wc.task) | {"gradient_checkpointing": CONFIG.gradient_checkpointing}
    return if_needed(wc.model, "reward", sampling) or {}


def recipes_of(model):
    """The sections of the config that a method reads; rewards and snapshots are no part of RL's."""
    sections = {
        "lora": CONFIG.lora.model_dump(mode="json"),
        "strong_sft": CONFIG.strong_sft.model_dump(mode="json"),
        "rl": grpo_settings("rl") | {"rewards": None, "snapshot_steps": None},
    }
    return {name: sections[name] for name in sorted(entry_of(model).recipes)}


def copied(run):
    """What a model that only answers otherwise has of the one that it samples from."""
    return (likelihoods([run]) if CONFIG.forgetting else []) + kept([run], MEASURED)
