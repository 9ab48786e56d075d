"""The notes below the paper's tables: what a reader must know before comparing rows."""

from semalign.statistics import runs
from semalign.statistics.intervals import about_seeds
from semalign.statistics.retained import described, title
from semalign.tables.paper_request import Request
from semalign.tables.published import PAPER


def _about_trade_off(request: Request, seeds: int) -> list[str]:
    percent = [title(benchmark.name) for benchmark in request.retention if "%" in described(benchmark.main)]
    said = []
    if "rl" in request.models:
        said.append(
            "gap = rl − strong_sft, seed by seed; the two are not compared at equal adequacy here: see the frontier."
        )
    if request.given:
        said.append("Rows `… - base` are a model trained elsewhere less the base: what it keeps less is its tax.")
    if "rl" in request.models:
        said.append(
            f"{' and '.join([*percent, 'judge'])} figures are percent; a win needs both orders to agree; the rest are "
            "the other's wins (judge_loss), ties (judge_tie) and items without a readable verdict (judge_unparsed)."
        )
        said.append(f" {about_seeds(seeds)}")
    elif percent:
        said.append(f"{' and '.join(percent)} figures are percent.")
    if request.judged and request.opponents:
        against = ", ".join(f"{runs.label(model)} against {runs.label(to)}" for model, to in request.opponents.items())
        said.append(f"The judge's figures of models trained elsewhere: {against}.")
    return said


def note(request: Request, seeds: int) -> str:
    """What a reader must know before comparing rows."""
    table, statistics, retention = request.table, request.statistics, request.retention
    subject = request.subject()
    spread = "± is the standard deviation over seeds (ddof 1)" if seeds > 1 else "One seed: no spread can be given"
    names = ", ".join(title(benchmark.name) for benchmark in retention if benchmark.kind == "extractive")
    whole = f" (whole passages for {names})" if names else ""
    unit = "passages" if table.startswith("table6") else f"test items{whole}"
    parts = [
        f"{subject[0].upper()}{subject[1:]}.",
        f"{spread}; the {statistics.confidence:.0%} interval is a percentile bootstrap over {unit}, given these "
        f"trained models ({statistics.resamples} resamples, seed {statistics.seed}).",
    ]
    if request.published:
        parts.append(
            f"paper is {PAPER}; difference is ours less the paper's. Where models, data or scale are others than the "
            "paper's, compare the pattern, not the level."
        )
    if not table.startswith("table6"):
        parts.append(
            "similarity is by the rewarding encoder, similarity_independent by one that never rewarded; content, where "
            "given, is the share of the source's facts that an answer tells, read by the miniature's parser."
        )
    if table in ("table1", "table2", "table3"):
        parts.append(
            "audit is the verdict on a run's answers, of several seeds the worst; where it is not ok its reasons stand "
            "below; its thresholds are in the config (audit.thresholds)."
        )
    if table in ("table1", "table2") and "rl" in request.models:
        parts.append("change = rl − cold_sft, seed by seed.")
    if table == "table3":
        parts += _about_trade_off(request, seeds)
    if request.given and table != "table6b":
        parts.append(
            f"{', '.join(map(runs.label, request.given))}: trained elsewhere, and measured once, whatever the seeds."
        )
    if request.given and table == "table6a":
        parts.append("A token is one of the model's own tokenizer: NLL is compared between models of one vocabulary.")
    if table == "table5" and request.published:
        parts.append("With a length constraint the paper reports no better output and about 2 CMRC points lost.")
    if table == "table6b":
        parts.append("noise_floor is the base against itself in batches of another size.")
    if table.startswith("table6") and request.published:
        parts.append("The paper does not name its table's task; its figures stand with translation.")
    return " ".join(parts)
