"""docs/config.md says what the config's model says."""

from semalign.preflight.root import Config
from tests.conftest import ROOT
from tools.config_reference import keys, reference


def test_the_page_is_what_the_model_says() -> None:
    assert (ROOT / "docs" / "config.md").read_text(encoding="utf-8") == reference(), "run make schema"


def test_every_key_has_a_description() -> None:
    schema = Config.model_json_schema()
    shapes = [schema, *(shape for shape in schema["$defs"].values() if "properties" in shape)]
    assert [(s["title"], name) for s in shapes for name, e in s["properties"].items() if not e.get("description")] == []


def test_a_key_stands_under_its_path_with_type_default_and_reruns() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `rl.temperature` |")]
    meaning = "of sampling"
    assert rows == [
        f"| `rl.temperature` | number from 0.01 | `0.8` | `1.0` | {meaning} | `train_grpo`, `sample_candidates` |"
    ]
    paths = [key.path for key in keys(Config.model_json_schema(), Config.model_json_schema())]
    assert {"tasks.<task>.split.cold", "statistics.primary[].task", "downloads.<name>.urls"} <= set(paths)
