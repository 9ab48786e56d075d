"""Answers of the policy, by transformers or by vLLM."""
