"""Train a method of `frontier.methods` at one of its strengths."""

from pathlib import Path
from typing import Any

from semalign.methods.base import TrainingInputs
from semalign.policy.models import save_adapter
from semalign.preflight.gates import check_exams
from semalign.preflight.methods import method
from semalign.rewards.loading import load_rewards
from semalign.runtime import distributed, job
from semalign.runtime.files import read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    entry, strength = settings["method"], settings["strength"]
    device = settings["policy"]["device"]
    rewards, tau = load_rewards(settings["rewards"], settings["language"], input, device)
    given = TrainingInputs(
        name=settings["name"],
        base=Path(input.base),
        adapter=Path(input.adapter) if input.adapter else None,
        pairs=[row for path in input.pairs for row in read_jsonl(path)],
        candidates=list(read_jsonl(input.candidates)) if input.candidates else [],
        replay=list(read_jsonl(input.replay)) if input.replay else [],
        rewards=rewards,
        weights=settings["rewards"],
        workspace=workspace,
        stops=settings.get("stop", ()),
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


job.run(main, snakemake, resumable=True, gate=check_exams)
