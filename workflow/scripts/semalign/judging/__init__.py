"""Blind pairwise judgement: the protocol, its figures, and a language model as the judge."""
