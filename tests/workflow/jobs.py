"""The tiny miniature's jobs and what each is made from, written down by hand: what a change must rerun, and no more.

A job is `<rule> <what>`; `what` is a task, an encoder, a table or a run. It says nothing of how the rules are written.
"""

from collections import Counter
from fnmatch import fnmatchcase

TASKS = ("mt", "hg")
ENCODERS = ("reward", "independent")
ABLATED = "raw"
PAPER = [f"{task}/{model}" for task in TASKS for model in ("cold_sft", "strong_sft", "rl")]
DECODED = [f"{task}/mbr@2" for task in TASKS]
FRONTIER = ["base", *PAPER, *[f"{task}/{model}" for task in TASKS for model in ("sft-32", "rl@2", "dpo@32", "mbr@2")]]
VARIANT = "mt/rl-bleu_similarity_lc"
ENCODED = f"mt/rl-encoder-{ABLATED}"
FEW = [f"hg/fewshot-{start}" for start in ("base", "strong_sft", "rl")]
RUNS = [*FRONTIER, VARIANT, ENCODED, *FEW]
REWARDED = ["mt/rl", "hg/rl", VARIANT]
GRPO = [*REWARDED, ENCODED]


def scores(*runs: str) -> set[str]:
    return {f"score_{kind} {run}" for run in runs for kind in ("text", "similarity")}


def likelihoods(*runs: str) -> set[str]:
    return {f"{'copy' if run in DECODED else 'measure'}_likelihood {run}" for run in runs}


def maker(run: str) -> str:
    """The job that makes a run's adapter."""
    if run in GRPO:
        return f"train_grpo {run}"
    if run.endswith("dpo@32"):
        return f"train_method {run}"
    return f"take_snapshot {run}" if "@" in run else f"train_sft {run}"


def _data() -> dict[str, set[str]]:
    made: dict[str, set[str]] = {"generate_world": set()}
    made["prepare_corpus"] = made["prepare_questions cmrc"] = {"generate_world"}
    made["train_tokenizer"] = {"generate_world", "prepare_corpus"}
    made["train_base"] = {"prepare_corpus", "train_tokenizer"}
    made["select_passages"] = {"prepare_questions cmrc"}
    for task in TASKS:
        made[f"prepare_pairs {task}"] = {"generate_world"}
        made[f"filter_length {task}"] = {f"prepare_pairs {task}", "train_tokenizer"}
        made[f"split_pairs {task}"] = {f"filter_length {task}"}
    made["check_amounts"] = {"generate_world", "train_tokenizer", *[f"split_pairs {task}" for task in TASKS]}
    for encoder in (*ENCODERS, ABLATED):
        made[f"train_encoder {encoder}"] = {"generate_world", *[f"split_pairs {task}" for task in TASKS]}
        made[f"examine_encoder {encoder}"] = {"generate_world", f"train_encoder {encoder}"}
    for encoder in ENCODERS:
        made[f"check_encoder {encoder}"] = {f"examine_encoder {encoder}"}
    return made


def _training() -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for task in TASKS:
        for model in ("cold_sft", "strong_sft", "sft-32"):
            made[f"train_sft {task}/{model}"] = {"train_base", f"split_pairs {task}"}
        made[f"rewrite_cold {task}"] = {f"split_pairs {task}"}
        made[f"train_sft {task}/cold_sft"] |= {f"rewrite_cold {task}"}
        made[f"measure_threshold {task}"] = {"train_base", f"train_sft {task}/cold_sft", f"split_pairs {task}"}
        made[f"measure_threshold {task}"] |= {"train_encoder reward"}
        made[f"take_snapshot {task}/rl@2"] = {f"train_grpo {task}/rl"}
        made[f"sample_candidates {task}"] = {"train_base", f"train_sft {task}/cold_sft", f"split_pairs {task}"}
        made[f"sample_candidates {task}"] |= {f"measure_threshold {task}", "train_encoder reward"}
        made[f"train_method {task}/dpo@32"] = {"train_base", f"train_sft {task}/cold_sft", f"sample_candidates {task}"}
    made[f"measure_threshold mt {ABLATED}"] = made["measure_threshold mt"] - {"train_encoder reward"}
    made[f"measure_threshold mt {ABLATED}"] |= {f"train_encoder {ABLATED}"}
    for run in GRPO:
        task = run[:2]
        made[f"train_grpo {run}"] = {"train_base", f"train_sft {task}/cold_sft", f"split_pairs {task}"}
    for run in REWARDED:
        made[f"train_grpo {run}"] |= {f"measure_threshold {run[:2]}", "train_encoder reward"}
        made[f"check_grpo {run}"] = {f"train_grpo {run}"}
    made[f"train_grpo {ENCODED}"] |= {f"measure_threshold mt {ABLATED}", f"train_encoder {ABLATED}"}
    for run, start in zip(FEW, (None, "train_sft mt/strong_sft", "train_grpo mt/rl"), strict=True):
        made[f"train_sft {run}"] = {"train_base", "split_pairs hg"} | ({start} if start else set())
    return made


def _measures() -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for run in RUNS:
        tests = {"prepare_questions cmrc", *[f"split_pairs {task}" for task in (TASKS if run == "base" else [run[:2]])]}
        adapter = set() if run == "base" else {maker(run)}
        answers = f"choose_answers {run}" if run in DECODED else f"generate {run}"
        made[answers] = {"train_base", *adapter, *tests}
        made[f"score_text {run}"] = {answers, *tests}
        made[f"score_similarity {run}"] = {answers, *tests, *[f"train_encoder {e}" for e in ENCODERS]}
        if run in DECODED:
            cold = f"{run[:2]}/cold_sft"
            made[answers] = {"train_base", maker(cold), f"split_pairs {run[:2]}", f"generate {cold}"}
            made[answers] |= {"train_encoder reward"}
            made[f"copy_likelihood {run}"] = {f"measure_likelihood {cold}"}
        elif run in FRONTIER:
            made[f"measure_likelihood {run}"] = {"train_base", *adapter, "select_passages"}
    for run in REWARDED:
        made[f"audit_rollouts {run}"] = {f"train_grpo {run}", f"split_pairs {run[:2]}"}
        made[f"audit_rollouts {run}"] |= {f"train_encoder {encoder}" for encoder in ENCODERS}
    for task in TASKS:
        made[f"judge_pairs {task}"] = {f"split_pairs {task}", f"generate {task}/strong_sft", f"generate {task}/rl"}
        made[f"summarise_verdicts {task}"] = {f"judge_pairs {task}"}
    return made


def _tables() -> dict[str, set[str]]:
    exams, judged = {f"examine_encoder {e}" for e in ENCODERS}, {f"summarise_verdicts {task}" for task in TASKS}
    made = {
        "tabulate_paper table1": scores("base", "mt/cold_sft", "mt/rl") | {"train_grpo mt/rl"},
        "tabulate_paper table2": scores("base", "hg/cold_sft", "hg/rl") | {"train_grpo hg/rl"},
        "tabulate_paper table3": scores("base", *PAPER) | exams | judged | {f"train_grpo {task}/rl" for task in TASKS},
        "tabulate_paper table4": scores(*FEW),
        "tabulate_paper table5": scores("mt/rl", VARIANT),
        "tabulate_paper table6a": likelihoods("base", *PAPER),
        "tabulate_paper table6b": likelihoods("base", *PAPER),
        "compare_systems": scores(*PAPER) | likelihoods(*PAPER) | judged | {f"generate {run}" for run in PAPER},
        "tabulate_audit": scores(*FRONTIER, VARIANT)
        | {f"{rule} {run}" for run in REWARDED for rule in ("audit_rollouts", "train_grpo")},
        "tabulate_frontier": scores(*FRONTIER) | likelihoods(*FRONTIER),
        "tabulate_costs": {"tabulate_frontier", *[f"generate {run}" for run in FRONTIER]},
        "draw_figure reward": {"train_grpo mt/rl", "train_grpo hg/rl"},
        "draw_figure audit": {"audit_rollouts mt/rl", "audit_rollouts hg/rl"},
        "draw_figure tradeoff": scores("base", *PAPER),
        "draw_figure encoder": exams,
        "draw_figure ablation": scores("mt/rl", VARIANT),
        "draw_figure frontier": {"tabulate_frontier"},
        "draw_figure likelihood": likelihoods("base", *PAPER),
    }
    compared = {f"{made} {encoder}" for made in ("train_encoder", "examine_encoder") for encoder in ("reward", ABLATED)}
    made["tabulate_encoders"] = scores("mt/rl", ENCODED) | compared | {"train_grpo mt/rl", f"train_grpo {ENCODED}"}
    made["tabulate_encoders"] |= {f"check_encoder {encoder}" for encoder in ENCODERS}
    made["draw_figure rollouts"] = made["draw_figure reward"] | made["draw_figure audit"]
    made["compare_systems"] |= {f"split_pairs {task}" for task in TASKS}
    trained = [maker(f"{task}/{model}") for task in TASKS for model in ("strong_sft", "rl")]
    made["tabulate_frontier"] |= set(trained)
    return made


MADE_FROM = {"list_sources": set[str]()} | _data() | _training() | _measures() | _tables()


def reruns(*changed: str) -> Counter[str]:
    """Jobs by rule when those that match the patterns, and so all that is made from them, run again."""
    for pattern in changed:
        assert any(fnmatchcase(job, pattern) for job in MADE_FROM), f"no job is called {pattern}"
    again = {job for job in MADE_FROM if any(fnmatchcase(job, pattern) for pattern in changed)}
    while grown := {job for job, parts in MADE_FROM.items() if parts & again} - again:
        again |= grown
    return Counter(job.split()[0] for job in again)
