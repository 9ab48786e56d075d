"""From work to hours and bytes: floors of the device times its rates."""

from dataclasses import dataclass

from bench import floors
from bench.floors import Shape
from bench.rates import Rates
from semalign.preflight.root import Config
from tools.planning.dag import Job
from tools.planning.steps import Work

# What a rule's script imports, for the seconds before its work; the others' is "plain".
STARTS = {
    "trainer": {"train_sft", "train_grpo", "train_method", "train_base"},
    "policy": {"generate", "measure_likelihood", "measure_benchmark"},
    "encoder": {"train_encoder", "score_similarity", "audit_rollouts", "examine_encoder", "measure_threshold"}
    | {"sample_candidates", "choose_answers"},
    "scores": {"score_text", "compare_systems", "tabulate_paper", "tabulate_audit"}
    | {"tabulate_frontier", "tabulate_encoders"},
}
FP32 = 4
OPTIMISER = 3  # times the adapter's bytes in a checkpoint: itself and AdamW's two moments
CHECKPOINTS = 2  # kept at a time
BYTES_A_TOKEN, BYTES_A_ROLLOUT = 6, 150  # of UTF-8 text in rollouts.jsonl; of a row beside its text
BYTES_OF_A_LIKELIHOOD = 12  # NLL, KL and passage of a token


@dataclass(frozen=True)
class Models:
    policy: Shape
    encoder: Shape


def seconds(work: Work, models: Models, rates: Rates) -> float:
    """Of one job's model computation."""
    device, policy, length = rates.device, models.policy, work.prompt + work.completion
    if work.kind == "sft":
        floor = floors.training_seconds(device, policy, work.sequences, length, rates.recomputed)
    elif work.kind in ("grpo", "grpo, long generations"):
        terms = floors.grpo_terms(
            device,
            policy,
            models.encoder,
            batch=work.batch,
            micro_batch=work.micro_batch,
            steps_per_generation=work.steps_per_generation,
            prompt=work.prompt,
            completion=work.completion,
            recomputed=rates.recomputed,
        )
        floor = work.steps * sum(terms.values())
    elif work.kind == "generation":
        batch = min(work.batch, work.sequences)
        floor = work.steps * floors.generation_seconds(device, policy, batch, work.prompt, work.completion)
    elif work.kind == "likelihood":
        floor = floors.likelihood_seconds(device, policy, work.sequences, length)
    elif work.kind == "reward":
        floor = floors.encoding_seconds(device, models.encoder, work.sequences, length)
    else:  # training of an encoder, which is not measured: the rate of training the policy stands in
        return rates.ratios["sft"] * floors.contrastive_seconds(device, models.encoder, work.sequences, length)
    return rates.ratios[work.kind] * floor


def start_seconds(job: Job, rates: Rates) -> float:
    kind = next((kind for kind, rules in STARTS.items() if job.rule in rules), "plain")
    return rates.start[kind]


def disk(config: Config, work: dict[Job, Work], models: Models) -> dict[str, float]:
    """Bytes by what they hold, and, of all trainings together, what one of them needs while it runs."""
    adapter = models.policy.lora * FP32
    adapters = sum(job.rule in ("train_sft", "train_grpo", "train_method", "take_snapshot") for job in work)
    every = config.rl.snapshot_steps
    kept = [
        (found.steps - 1) // every
        for job, found in work.items()
        if job.rule == "train_grpo" and job.wildcards["model"] == "rl" and every and config.frontier
    ]
    rollouts = [found for job, found in work.items() if job.rule in ("train_grpo", "sample_candidates")]
    likelihoods = [found for job, found in work.items() if job.rule == "measure_likelihood"]
    ablated = config.encoder_ablation.encoders.values() if config.encoder_ablation else []
    encoders = sum(1 + (made.path is not None) for made in (config.encoders.reward, config.encoders.independent))
    encoders += len(ablated)
    parameter = 2 if config.policy.dtype == "bfloat16" else FP32
    return {
        "policy": (models.policy.linear + models.policy.embedding) * parameter,
        "encoders, as fetched and tuned": encoders * (models.encoder.linear + models.encoder.embedding) * FP32,
        "adapters": adapters * adapter,
        "snapshots of RL": sum(kept) * adapter,
        "rollouts": sum(w.completions * (w.completion * BYTES_A_TOKEN + BYTES_A_ROLLOUT) for w in rollouts),
        "likelihoods": sum(w.tokens * BYTES_OF_A_LIKELIHOOD for w in likelihoods),
        "checkpoints of one training, while it runs": CHECKPOINTS * OPTIMISER * adapter,
    }
