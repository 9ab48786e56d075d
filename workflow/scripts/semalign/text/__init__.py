"""Text: scripts, tokens, normalisation for matching, prompts, tokenizers, perturbations."""
