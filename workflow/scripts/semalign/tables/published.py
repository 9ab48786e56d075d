"""The figures that the paper publishes (arXiv 2605.14366 v1), by table, task (`paper_mt`: Chinese to
Tibetan; `paper_hg`: Tibetan headlines) and model, under this project's names.

0..1 and percent as there. Table 6 does not name its task; its figures stand with translation, the paper's main setting.
"""

from collections.abc import Iterable

PAPER = "arXiv 2605.14366 v1"

Published = dict[str, float]

_TRADE_OFF = ("metric", "similarity", "cmrc_avg", "cmrc_f1", "judge_win")
_NLL, _KL = ([f"{kind}_{name}" for name in ("mean", "median", "p10", "p90")] for kind in ("nll", "kl"))


def _row(names: Iterable[str], *values: float) -> Published:
    return dict(zip(names, values, strict=True))


_PUBLISHED: dict[tuple[str, str, str], Published] = {
    ("table1", "paper_mt", "cold_sft"): {"metric": 0.3953, "similarity": 0.5593},
    ("table1", "paper_mt", "rl"): {"metric": 0.4519, "similarity": 0.7164},
    ("table2", "paper_hg", "cold_sft"): {"metric": 0.2204, "similarity": 0.5774},
    ("table2", "paper_hg", "rl"): {"metric": 0.2530, "similarity": 0.6404},
    ("table3", "paper_mt", "strong_sft"): _row(_TRADE_OFF, 0.6006, 0.8282, 41.82, 62.99, 59.2),
    ("table3", "paper_mt", "rl"): _row(_TRADE_OFF, 0.4519, 0.7164, 46.97, 65.79, 33.5),
    ("table3", "paper_mt", "gap"): _row(_TRADE_OFF, -0.1487, -0.1118, 5.15, 2.80, -25.7),
    ("table3", "paper_hg", "strong_sft"): _row(_TRADE_OFF, 0.3095, 0.6499, 44.20, 65.30, 35.1),
    ("table3", "paper_hg", "rl"): _row(_TRADE_OFF, 0.2530, 0.6404, 45.10, 65.20, 51.2),
    ("table3", "paper_hg", "gap"): _row(_TRADE_OFF, -0.0565, -0.0095, 0.90, -0.10, 16.1),
    ("table4", "paper_hg", "fewshot-base"): {"metric": 0.1585, "similarity": 0.4695},
    ("table4", "paper_hg", "fewshot-strong_sft"): {"metric": 0.1935, "similarity": 0.5456},
    ("table4", "paper_hg", "fewshot-rl"): {"metric": 0.1918, "similarity": 0.5690},
    ("table5", "paper_mt", "rl"): {"similarity": 0.7164},
    ("table5", "paper_mt", "rl-bleu_lc"): {"similarity": 0.6375},
    ("table5", "paper_mt", "rl-bleu_similarity_lc"): {"similarity": 0.6175},
    ("table5", "paper_mt", "rl-bleu_similarity"): {"similarity": 0.2312},
    ("table6a", "paper_mt", "base"): _row(_NLL, 2.6097, 1.4285, 0.3636, 5.8844),
    ("table6a", "paper_mt", "strong_sft"): _row(_NLL, 3.2504, 1.7390, 0.4636, 7.3188),
    ("table6a", "paper_mt", "rl"): _row(_NLL, 2.8533, 1.5543, 0.3848, 6.5000),
    ("table6b", "paper_mt", "cold_sft"): _row(_KL, 0.0471, 0.0099, 0.0000, 0.0912),
    ("table6b", "paper_mt", "strong_sft"): _row(_KL, 0.0404, 0.0113, 0.0000, 0.0932),
    ("table6b", "paper_mt", "rl"): _row(_KL, 0.0410, 0.0073, 0.0000, 0.0839),
}


_METRICS = {"paper_mt": "bleu", "paper_hg": "rouge_l"}
_VARIANTS = {
    frozenset({"similarity", "language"}): "rl",
    frozenset({"bleu", "language"}): "rl-bleu_lc",
    frozenset({"bleu", "similarity", "language"}): "rl-bleu_similarity_lc",
    frozenset({"bleu", "similarity"}): "rl-bleu_similarity",
}


def published(
    table: str, figures_of: str | None, model: str, metric: str | None = None, rewards: dict[str, float] | None = None
) -> Published:
    """The paper's figures of a row, by the name of the figure; empty where it has no such row.

    figures_of: what the config says of the task (`published`: paper_mt, paper_hg or None). Without its `metric` where
    the task is measured by another than the paper's. Where `rewards` are given (table 5), the row is found by the
    rewards that have a weight, whatever the variant's name.
    """
    if figures_of is None:
        return {}
    if rewards is not None:
        model = _VARIANTS.get(frozenset(name for name, weight in rewards.items() if weight), "")
    row = _PUBLISHED.get((table, figures_of, model), {})
    return {name: value for name, value in row.items() if name != "metric" or metric in (None, _METRICS[figures_of])}
