"""The language model: loading, adapters, pretraining, SFT, GRPO, DPO, rollouts."""
