"""Token NLL of a run, and its KL to the base, on the fixed passages."""

from typing import Any

import numpy as np

from semalign.data.passages import digest
from semalign.policy.given_models import load_measured, without_kl
from semalign.policy.likelihood import beginning, noise_floor, summary, token_statistics
from semalign.policy.models import load_policy
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, replacing_binary, write_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    model, tokenizer = load_measured(input.base, input.adapter, settings["policy"], settings.get("given"))
    texts = [row["text"] for row in read_jsonl(input.passages)]
    reference = reason = None
    if settings.get("reference"):  # of a whole model that was trained elsewhere: how the base is loaded
        reference, of_base = load_policy(input.reference, **settings["reference"])
        reason = without_kl(model, tokenizer, reference, of_base)
    compared = {"reference": None if reason else reference}
    arrays, cut = token_statistics(model, tokenizer, texts, **compared, **settings["forgetting"])
    if not input.adapter and reference is None:
        arrays["noise"] = noise_floor(model, tokenizer, texts, **settings["forgetting"])
    if not input.adapter and (reference is None or reason):
        del arrays["kl"]
    with replacing_binary(output.tokens) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the keyword allow_pickle for one of ours
    write_json(
        output.summary,
        ({"kl_reason": reason} if reason else {})
        | {
            "nll": summary(arrays["nll"]),
            "kl": summary(arrays["kl"]) if "kl" in arrays else None,
            "noise_floor": summary(arrays["noise"]) if "noise" in arrays else None,
            "n": len(arrays["nll"]),
            "passages": len(texts),
            "truncated": cut,
            "passages_sha256": digest(texts),
            "signature": f"nats|full vocabulary|float64 softmax|start:{beginning(tokenizer)}|"
            f"max_tokens:{settings['forgetting']['max_tokens']}",
        },
    )


job.run(main, snakemake)
