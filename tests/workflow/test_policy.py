"""A given policy is checked before anything is trained on it: all that is wrong is said at once."""

import json
from pathlib import Path

from tests.conftest import TINY
from tests.unit.policies import policy, tokenizer_of
from tests.workflow.run import plan, snakemake

CHECKS = "results/data/policy.checks.json"


def test_a_policy_is_checked_first(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("chatml")
    policy(tmp_path / "policy", tokenizer)
    overlay = tmp_path / "policy.yaml"
    overlay.write_text("policy: {path: policy}\nrl: {max_prompt_tokens: 3000}\n")
    for model in ("results/mt/cold_sft/0/adapter", "results/encoders/reward/model"):
        assert plan(tmp_path, model, [TINY, overlay])["check_policy"] == 1
    good = (tmp_path / "policy" / "chat_template.jinja").read_text()
    (tmp_path / "policy" / "chat_template.jinja").write_text(good.replace("'<|im_end|>'", "'###'"))

    bad = snakemake(tmp_path, CHECKS, overlays=[TINY, overlay])
    assert bad.returncode != 0
    assert "error: config key policy.path: policy cannot be the policy:" in bad.stderr
    assert "tokenizer and chat template: the chat template writes '###\\n' after an answer" in bad.stderr
    assert "context: it reads 2048 tokens (max_position_embeddings), and rl.max_prompt_tokens" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert not (tmp_path / CHECKS).exists()

    (tmp_path / "policy" / "chat_template.jinja").write_text(good)
    overlay.write_text("policy: {path: policy}\n")
    result = snakemake(tmp_path, CHECKS, overlays=[TINY, overlay])
    assert result.returncode == 0, result.stderr
    found = {row["check"]: row["found"] for row in json.loads((tmp_path / CHECKS).read_text())}
    assert found["end of a turn"] == "<|im_end|>"
    assert found["LoRA"] == "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
