"""Code fingerprints: what an edit changes, on a copy of the library."""

import ast
from pathlib import Path

import pytest

from semalign.reruns import code

LIBRARY = {
    "semalign/__init__.py": "",
    "semalign/runtime/job.py": "from semalign import far\n",
    "semalign/near.py": '"""Docstring."""\nfrom semalign.far import f\n\ndef g():\n    return f() + 1  # comment\n',
    "semalign/far.py": "def f():\n    return 1\n",
    "semalign/other.py": "x = 1\n",
    "semalign/prose.py": (
        "from pydantic import BaseModel, Field\nimport pydantic\n"
        "x = 1\n'of x'\n"
        "async def later():\n    'of later'\n    return 'a value'\n"
        "def empty():\n    'of empty'\n"
        "class Model(BaseModel):\n    'of Model'\n"
        "    a: int = Field(1, description='of key a', gt=0)\n    'also of a'\n"
        "    b: int = pydantic.Field(1, title='of key b', examples=[2])\n"
        "    def method(self):\n        'of method'\n        if self.a:\n            'of a branch'\n"
        "        return dict(description='kept')\n"
    ),
    "rule.py": "from semalign import prose\nfrom semalign.near import g\nfrom semalign.runtime import job\n",
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in LIBRARY.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "SCRIPTS", tmp_path)
    return tmp_path


def edited(library: Path, name: str, old: str, new: str) -> set[str]:
    """The modules whose hash an edit changes."""
    before = code.fingerprint("rule")
    text = (library / name).read_text()
    assert old in text
    (library / name).write_text(text.replace(old, new))
    code._read.cache_clear()
    after = code.fingerprint("rule")
    assert before.keys() == after.keys()
    return {module for module in before if before[module] != after[module]}


def test_it_follows_imports_and_leaves_out_what_changes_no_result(library: Path) -> None:
    assert set(code.fingerprint("rule")) == {"rule", "semalign.near", "semalign.far", "semalign.prose"}


def test_a_module_that_the_settings_name_counts(library: Path) -> None:
    (library / "semalign" / "named.py").write_text("from semalign import other\n")
    found = code.fingerprint("rule", "semalign.named")
    assert set(found) == {"rule", *(f"semalign.{name}" for name in ("near", "far", "prose", "named", "other"))}


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("semalign/far.py", "return 1", "return 2", {"semalign.far"}),
        ("rule.py", "import g", "import g as h", {"rule"}),
        ("rule.py", "import g\n", "import g\n# comment\n", set()),
        ("semalign/near.py", "# comment", "# another", set()),
        ("semalign/near.py", "Docstring", "Other words", set()),
        ("semalign/near.py", "\n\ndef g", "\n\n\n\ndef g", set()),
        *[
            ("semalign/prose.py", f"of {name}", "other words", set())
            for name in ("x", "later", "empty", "Model", "key a", "method", "key b", "a branch")
        ],
        ("semalign/prose.py", "'also of a'", "'also'\n    'of a'", set()),
        ("semalign/prose.py", "    'of method'\n    ", "", set()),
        ("semalign/prose.py", "    'of empty'\n", "    pass\n", set()),
        ("semalign/prose.py", "    'of empty'\n", "    'of empty'\n    ...\n", set()),
        ("semalign/prose.py", "examples=[2]", "examples=[2], deprecated='prose'", set()),
        ("semalign/prose.py", "examples=[2]", "examples=[3]", set()),
        ("semalign/prose.py", ", description='of key a'", "", set()),
        ("semalign/prose.py", "    'of empty'\n", "    return x\n", {"semalign.prose"}),
        ("semalign/prose.py", "gt=0", "gt=1", {"semalign.prose"}),
        ("semalign/prose.py", "a: int", "a: float", {"semalign.prose"}),
        ("semalign/prose.py", "'a value'", "'another'", {"semalign.prose"}),
        ("semalign/prose.py", "'kept'", "'changed'", {"semalign.prose"}),
        ("semalign/prose.py", "            'of a branch'", "            return 1", {"semalign.prose"}),
        ("semalign/other.py", "x = 1", "x = 2", set()),
        ("semalign/runtime/job.py", "far", "near", set()),
    ],
)
def test_only_edits_of_code_that_a_rule_uses_change_it(
    library: Path, name: str, old: str, new: str, changed: set[str]
) -> None:
    assert edited(library, name, old, new) == changed


@pytest.mark.parametrize(("one", "other"), [("{**a}", "{None: a}"), ("def f(*, a=None): 0", "def f(*, a): 0")])
def test_none_that_is_written_is_no_gap(one: str, other: str) -> None:
    assert code._form(ast.parse(one)) != code._form(ast.parse(other))


def test_an_empty_field_that_a_version_of_python_lacks_changes_nothing() -> None:
    function = ast.parse("def f(): return 1").body[0]
    before = code._form(function)
    del function.decorator_list  # type: ignore[attr-defined]
    assert code._form(function) == before


def test_every_script_of_the_workflow_has_a_fingerprint() -> None:
    scripts = [path.stem for path in code.SCRIPTS.glob("*.py")]
    assert len(scripts) > 10
    for script in scripts:
        assert code.fingerprint(script)
