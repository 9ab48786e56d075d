"""Train a method of `frontier.methods` at one of its strengths."""

from pathlib import Path
from typing import Any

from semalign.config.data import Language
from semalign.encoder.model import embed, load_encoder
from semalign.methods.base import TrainingInputs
from semalign.policy.models import save_adapter
from semalign.preflight.methods import method
from semalign.rewards.builtin import build_rewards
from semalign.rewards.threshold import doubts
from semalign.runtime import distributed, job
from semalign.runtime.files import read_json, read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.progress import say
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    entry, strength = settings["method"], settings["strength"]
    encoder = load_encoder(input.encoder, settings["policy"]["device"]) if input.encoder else None
    measured = read_json(input.threshold) if input.threshold else None
    for doubt in doubts(measured, str(input.threshold)) if measured and distributed.is_first() else ():
        say(doubt)
    tau = measured["tau"] if measured else None
    given = TrainingInputs(
        name=settings["name"],
        base=Path(input.base),
        adapter=Path(input.adapter) if input.adapter else None,
        pairs=[row for path in input.pairs for row in read_jsonl(path)],
        candidates=list(read_jsonl(input.candidates)) if input.candidates else [],
        replay=list(read_jsonl(input.replay)) if input.replay else [],
        rewards=build_rewards(
            list(settings["rewards"]),
            Language.model_validate(settings["language"]),
            (lambda texts: embed(encoder, texts)) if encoder else None,
            tau,
        ),
        weights=settings["rewards"],
        workspace=workspace,
        **{name: settings[name] for name in ("policy", "prompt", "recipes", "seed")},
    )
    chosen = method(entry["method"])
    model, report, history = chosen.train(
        chosen.Settings.model_validate(entry | {"strengths": [strength]}), strength, given
    )
    if not distributed.is_first():
        return
    with replacing_folder(output.adapter) as folder:
        save_adapter(model, folder)
    write_jsonl(output.record, history)
    write_json(output.report, report | ({"tau": tau} if settings["rewards"] else {}))


job.run(main, snakemake, resumable=True)
