"""Releases of a random model: what is in the folder, and that nobody needs more than it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import load_file, save_file

from semalign.policy.models import load_policy
from semalign.reporting.lineage import lineage
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, read_jsonl, sha256, write_json, write_jsonl
from tests.unit.releases import HUB, RUN, adapter_config, fetched, finished_run, record, released_run
from tools import release
from tools.releasing.card import card
from tools.releasing.figures import measured
from tools.releasing.finished import base_of, find
from tools.releasing.folder import settings_of, write_merged

FOLDER = Path("results/release") / RUN


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_policy: Path) -> Path:
    """A working folder with a finished run and its release, base and merged weights within."""
    return released_run(tmp_path_factory.mktemp("run"), tiny_policy, "--merged", "--licence", "Apache-2.0")


def test_every_file_is_there_and_as_its_checksum_says(copy: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    listed = {line.rpartition(":")[0] for line in checked.stdout.splitlines()}
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert files - listed == {"SHA256SUMS"}
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= listed
    assert {"chat_template.jinja", "base/model.safetensors", "merged/model.safetensors", "semalign.json"} <= listed
    assert (FOLDER / "adapter_model.safetensors").read_bytes() == Path(
        f"results/{RUN}/adapter/adapter_model.safetensors"
    ).read_bytes()
    text = "".join(path.read_text() for path in FOLDER.rglob("*") if path.suffix in (".json", ".md", ".jinja"))
    assert str(copy) not in text  # nothing of the machine on which it was made
    assert "results/base" not in text


def test_the_hub_reads_the_card(copy: Path) -> None:
    data = ModelCard.load(FOLDER / "README.md").data
    assert data.language == ["bo", "zh"]
    assert data.license == "apache-2.0"
    assert data.library_name == "peft"
    assert data.base_model is None  # it is in the folder
    assert {"grpo", "translation", "lora"} <= set(data.tags)
    figures = {(one.metric_type, one.dataset_split): one for one in data.eval_results}
    bleu = figures["bleu", "test"]
    assert (bleu.metric_value, bleu.dataset_type, bleu.dataset_args) == (0.25, "generated", {"items": 4, "seed": 0})
    assert figures["f1", "test"].metric_value == 90.0
    assert figures["similarity_independent", "test"].metric_args == {"signature": "s"}
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for words in ("| results/world |", "Apache-2.0, as the workflow", '"learning_rate": 0.5', "c0ffee", "seed 0"):
        assert words in text


def test_the_card_lists_benchmarks_of_every_kind(copy: Path) -> None:
    config = read_json("results/configs/x.json")
    table = [{"format": "jsonl", "path": "items.jsonl"}]
    config["retention"]["benchmarks"] |= {
        "copa": {"kind": "multiple_choice", "test": table, "prompt": "{premise}", "choices": ["one", "two"]},
        "kept": {"kind": "perplexity", "test": [{"format": "lines", "path": "kept.txt"}]},
        "own": {"kind": "lm_eval", "file": "own.yaml", "metric": "exact_match"},
        "absent": {"kind": "perplexity", "test": [{"format": "lines", "path": "other.txt"}]},
    }
    write_json("results/configs/x.json", config)
    figures = {
        "copa": {"acc": 60.0, "acc_norm": 62.5},
        "kept": {"nll": 2.5, "ppl": 12.25, "bits_per_byte": 1.5},
        "own": {"score": 0.75},
    }
    for name, values in figures.items():
        output = f"results/{RUN}/retention/{name}.json"
        write_json(output, values | {"n": 8, "signature": "s"})
        record("measure_benchmark", [f"results/{RUN}/adapter"], [output])
    found = {(one.dataset_name, one.metric_type): one for one in measured(find(RUN))}
    assert found["items.jsonl (copa)", "acc_norm"].metric_value == 62.5
    assert found["items.jsonl (copa)", "acc"].task_type == "multiple-choice"
    assert found["kept.txt (kept)", "nll"].metric_name == "prediction of kept text, nll, nats per token"
    assert found["own.yaml (own)", "exact_match"].metric_value == 0.75
    assert found["own.yaml (own)", "exact_match"].dataset_args == {"items": 8}
    assert not [key for key in found if "absent" in key[0]]
    write_json(f"results/{RUN}/retention/copa.json", {"acc": 100.0})
    with pytest.raises(InputError, match=r"retention/copa\.json: has been changed since it was made"):
        find(RUN)


def test_its_snippet_runs_with_the_folder_alone(copy: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(FOLDER, alone)
    text = (alone / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert program is not None
    assert "semalign" not in program[1]
    ended = subprocess.run([sys.executable, "-c", program[1]], cwd=alone, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    source = re.search(r'^text = "(.*)"$', program[1], re.MULTILINE)
    tests = {row["source"]: row["id"] for row in read_jsonl("results/data/mt/test.jsonl")}
    answers = {row["id"]: row["output"] for row in read_jsonl(f"results/{RUN}/predictions.jsonl")}
    assert source is not None
    assert ended.stdout.rstrip("\n") == answers[tests[source[1]]]


def test_the_same_model_gives_the_same_bytes(copy: Path) -> None:
    before = sha256(FOLDER)
    release.main([RUN, "--merged", "--licence", "Apache-2.0"])
    assert sha256(FOLDER) == before
    assert lineage(str(FOLDER), copy).jobs[-1]["rule"] == "release"
    assert not list(FOLDER.parent.glob(".*"))


def test_a_licence_is_what_the_user_says(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.main([RUN])
    assert ModelCard.load(FOLDER / "README.md").data.license is None
    assert "the card states no licence for the adapter" in capsys.readouterr().out
    release.main([RUN, "--licence", "Licence of our group 1.0"])
    data = ModelCard.load(FOLDER / "README.md").data
    assert (data.license, data.license_name) == ("other", "licence-of-our-group-1.0")


def logits(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(input_ids=ids).logits.float()


def test_merged_weights_answer_as_the_adapter_does(copy: Path) -> None:
    """In float32 to 1e-4 of logits that span several units; without the adapter they differ by far more."""
    base, tokenizer = load_policy("results/base/model", "float32", "cpu")
    ids = tokenizer("老师看书。", return_tensors="pt")["input_ids"]
    plain = logits(base, ids)
    adapted = logits(PeftModel.from_pretrained(base, str(FOLDER)), ids)
    merged = logits(load_policy(FOLDER / "merged", "float32", "cpu")[0], ids)
    assert (merged - adapted).abs().max() < 1e-4
    assert (plain - adapted).abs().max() > 1e-2


def test_a_bfloat16_policy_is_merged_in_float32_and_rounded_once(copy: Path) -> None:
    write_merged(Path("results/base/model"), Path(f"results/{RUN}/adapter"), "bfloat16", "float32", Path("rounded"))
    whole, rounded = load_file(FOLDER / "merged" / "model.safetensors"), load_file("rounded/model.safetensors")
    assert whole.keys() == rounded.keys()
    assert all(torch.equal(whole[name].bfloat16(), rounded[name]) for name in whole)
    assert read_json("rounded/config.json")["dtype"] == "bfloat16"


def test_a_card_says_that_the_base_was_in_4_bits(copy: Path) -> None:
    in_4_bits = "measured on the base in 4 bits"
    assert in_4_bits not in (FOLDER / "README.md").read_text(encoding="utf-8")
    run = find(RUN)
    run.answering["settings"]["policy"]["quantization"] = "nf4"
    base = base_of(run, None)
    settings = settings_of(run, base)
    assert (settings["dtype"], settings["trained_in"]) == ("float32", "nf4")
    assert in_4_bits in card(run, base, None, measured(run), [], ("a", "b"), settings, merged=False)


def test_a_run_in_bfloat16_is_merged_and_still_belongs_to_its_base(
    tmp_path: Path, tiny_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finished_run(tiny_policy, dtype="bfloat16")
    release.main([RUN, "--merged"])
    assert {tensor.dtype for tensor in load_file(FOLDER / "merged" / "model.safetensors").values()} == {torch.bfloat16}
    weights = load_file("results/base/model/model.safetensors")
    weights["model.norm.weight"] += 1
    save_file(weights, "results/base/model/model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="the adapter was trained on another base"):
        write_merged(Path("results/base/model"), Path(f"results/{RUN}/adapter"), "bfloat16", "bfloat16", Path("no"))


@pytest.mark.parametrize("name", ["mt/rl/7", "base", "mt/rl", "../etc/0"])
def test_a_name_without_a_model_is_answered_with_those_there_are(copy: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no trained model <task>/<model>/<seed> has this name; there are mt/rl/0"):
        find(name)


def test_a_model_that_is_not_measured_says_what_measures_it(copy: Path) -> None:
    Path(f"results/{RUN}/scores/text.json").unlink()
    with pytest.raises(InputError, match=f"snakemake --cores all results/{RUN}/scores/text.json"):
        find(RUN)


def test_a_base_that_is_gone_is_said(copy: Path) -> None:
    shutil.rmtree("results/base/model")
    with pytest.raises(SystemExit, match=r"release: results/base/model: the base is not there any more"):
        release.main([RUN])


def test_figures_of_another_adapter_are_not_released(copy: Path) -> None:
    answers = list(read_jsonl(f"results/{RUN}/predictions.jsonl"))
    write_jsonl(f"results/{RUN}/predictions.jsonl", answers[:3])
    with pytest.raises(InputError, match=r"predictions.jsonl: has been changed since it was made"):
        find(RUN)


def test_a_base_of_the_hub_is_named_and_not_copied(
    tmp_path: Path, tiny_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = "results/downloads/policy"
    finished_run(tiny_policy, base=folder, **fetched(folder))
    release.main([RUN])
    config = adapter_config(FOLDER)
    assert (config["base_model_name_or_path"], config["revision"]) == (HUB["repo"], HUB["revision"])
    data = ModelCard.load(FOLDER / "README.md").data
    assert (data.base_model, data.base_model_relation) == (HUB["repo"], "adapter")
    assert not (FOLDER / "base").exists()
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f'from_pretrained("{HUB["repo"]}", revision="{HUB["revision"]}", dtype=torch.float32)' in text
    assert "| policy | base | owner/policy@" in text
    assert "| MIT |" in text


def test_of_a_base_of_their_own_only_users_know_where_it_lies(
    tmp_path: Path, tiny_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finished_run(tiny_policy, base="mine", policy={"path": "mine", "dtype": "float32"})
    run = find(RUN)
    for named in (None, "owner/name", "nowhere"):
        with pytest.raises(InputError, match="say BASE=owner/name@commit where the hub has it, or BASE=included"):
            base_of(run, named)
    assert base_of(run, "owner/name@main").repo == "owner/name"
    assert base_of(run, "included").repo is None
