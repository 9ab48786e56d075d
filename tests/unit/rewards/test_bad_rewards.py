"""A user's own reward that cannot be used is named with its file and line; any form of Python that can is taken."""

from pathlib import Path

import pytest

from semalign.rewards.builtin import user_reward
from semalign.runtime.errors import InputError
from semalign.runtime.user_functions import find_function, modules_of


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            b"# Gr\xf6\xdfe\ndef f(c, r, s):\n    return []\n",
            "own.py:1: no valid Python: byte 0xf6 is not utf-8; save it as UTF-8",
        ),
        (b"\n\n# \xf6\n", "own.py:3: no valid Python: byte 0xf6 is not utf-8; save it as UTF-8"),
        (b"def f(c, r, s):\n    return [\n", "own.py:2: no valid Python: '[' was never closed"),
        (b"def f(c, r, s):\nreturn []\n", "own.py:2: no valid Python: expected an indented block"),
        (b"def f(c, r, s):\n\t  return []\n        return []\n", "own.py:3: no valid Python: "),
        (b"print 'x'\n", "own.py:1: no valid Python: Missing parentheses"),
        (b"def f(c, r, s):\n    return []\n\0", "no valid Python: source code string cannot contain null bytes"),
        ("def f(c, r, s): return []".encode("utf-16"), "own.py"),
        (b"def g(c, r, s):\n    return []\ndef _h(): pass\n", "own.py defines no f; it defines g"),
        (b"# coding: klingon\n", "own.py: no valid Python: unknown encoding: klingon"),
        (b"", "own.py defines no f; it defines nothing"),
    ],
)
def test_a_rewards_file_that_is_no_python(code: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_bytes(code)
    with pytest.raises(InputError) as caught:
        find_function("own:f", tmp_path, "rl.rewards")
    assert message in str(caught.value)
    assert "config key rl.rewards" in str(caught.value)


def test_a_module_of_the_users_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import helper\ndef f(c, r, s):\n    return []\n")
    (tmp_path / "helper.py").write_text("x = (\n")
    with pytest.raises(InputError, match=r"helper\.py:1: no valid Python: '\(' was never closed"):
        modules_of(tmp_path / "own.py", tmp_path)


IN_ANY_FORM = {
    "latin": "# -*- coding: latin-1 -*-\n# Größe\ndef f(c, r, s):\n    return [1.0] * len(c)\n".encode("latin-1"),
    "bom": b"\xef\xbb\xbfdef f(c, r, s):\n    return [1.0] * len(c)\n",
    "under_if": b"try:\n    from not_there import f\nexcept ImportError:\n    def f(c, r, s):\n        return [1.0] * len(c)\n",
    "starred": b"from bom import *\n",
    "unpacked": b"f, g = (lambda c, r, s: [1.0] * len(c)), None\n",
    "annotated": b"from typing import Any\nf: Any = lambda *texts: (1 for _ in texts[0]).__class__ and [1.0] * len(texts[0])\n",
    "tuple": b"def f(completions, references, sources, **more):\n    return tuple([1] * len(completions))\n",
    "array": b"import numpy as np\ndef f(c, r, s):\n    return np.ones(len(c), dtype=np.float32)\n",
    "tensor": b"import torch\ndef f(c, r, s):\n    return torch.ones(len(c))\n",
    "tensors": b"import torch\ndef f(c, r, s):\n    return [torch.tensor(1.0) for _ in c]\n",
    "json": b"import json\ndef f(c, r, s):\n    return [float(json.loads('1'))] * len(c)\n",
    "by_case": b"import os\nmatch os.name:\n    case _:\n        def f(c, r, s):\n            return [1.0] * len(c)\n",
    "group": b"try:\n    import not_there\nexcept* ImportError:\n    def f(c, r, s):\n        return [1.0] * len(c)\n",
    "callable_object": b"class F:\n    def __call__(self, c, r, s):\n        return [1.0] * len(c)\nf = F()\n",
}


def test_a_reward_may_be_written_in_any_form_of_python(tmp_path: Path) -> None:
    for name, code in IN_ANY_FORM.items():
        (tmp_path / f"{name}.py").write_bytes(code)
    for name in IN_ANY_FORM:
        assert user_reward(f"{name}:f", tmp_path)(["a", ""], ["b", "b"], ["c", "c"]) == [1.0, 1.0], name


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import not_there\ndef f(c, r, s): pass", "its file cannot be imported: {file}:1: ModuleNotFoundError: No module named 'not_there'; install it, or put not_there.py into"),
        ("from os import nothing\ndef f(c, r, s): pass", "its file cannot be imported: {file}:1: ImportError: cannot import name"),
        ("\nx = 1 / 0\ndef f(c, r, s): pass", "its file cannot be imported: {file}:2: ZeroDivisionError: division by zero"),
        ("def f(c, r, s): pass\nraise SystemExit('bye')", "its file cannot be imported: {file}:2: SystemExit: bye"),
        ("from .inner import x\ndef f(c, r, s): pass", "its file cannot be imported: {file}:1: ImportError: attempted relative import"),
        ("f = 3", "has f = 3, which is no function"),
        ("def f(completions): pass", "{file}:1: f(completions) cannot be called as f(completions, references, sources) (too many"),
        ("x = 1\ndef f(a, b, c, d): pass", "{file}:2: f(a, b, c, d) cannot be called as f(completions, references, sources) (missing"),
        ("def f(*, completions, **columns): pass", "cannot be called as f(completions, references, sources)"),
        ("def f(c, r, s):\n    return [1 / len(text) for text in c]", "{file}:2: ZeroDivisionError: division by zero"),
        ("import json\ndef f(c, r, s):\n    return [json.loads(text) for text in c]", "{file}:3: JSONDecodeError: Expecting value"),
        ("def f(c, r, s):\n    raise SystemExit", "{file}:2: SystemExit"),
        ("def f(c, r, s):\n    return f(c, r, s)", "RecursionError: maximum recursion"),
        ("async def f(c, r, s):\n    return [1.0] * len(c)", "is an async function; write it with def alone"),
        ("def f(c, r, s):\n    yield 1.0", "returned a generator; a list of 2 figures is needed"),
        ("def f(c, r, s):\n    return map(len, c)", "returned a map; a list"),
        ("def f(c, r, s): pass", "returned None; a list of 2 figures is needed"),
        ("def f(c, r, s):\n    return {'a': 1.0, 'b': 2.0}", "returned a dict, {'a': 1.0, 'b': 2.0}; a list"),
        ("def f(c, r, s):\n    return 'ab'", "returned 'ab'; a list of 2"),
        ("def f(c, r, s):\n    return [[1.0], [1.0]]", "returned a list, [1.0] for 'a'; a finite number is needed"),
        ("import numpy as np\ndef f(c, r, s):\n    return np.ones((2, 2))", "returned a list, [1.0, 1.0] for 'a'"),
        ("import numpy as np\ndef f(c, r, s):\n    return np.float64(1)", "returned 1.0; a list of 2"),
        ("import numpy as np\ndef f(c, r, s):\n    return [np.ones(2)] * 2", "ValueError: can only convert an array of size 1"),
        ("def f(c, r, s):\n    return [1e16] * 2", "returned 1e+16 for 'a'; a finite number is needed, at most 1e+15"),
        ("def f(c, r, s):\n    return ['1'] * len(c)", "returned '1' for 'a'; a finite number is needed"),
        ("def f(c, r, s):\n    return [float('nan')] * len(c)", "returned nan for 'a'; a finite number is needed"),
        ("def f(c, r, s):\n    return [None] * len(c)", "returned None for 'a'; a finite number is needed"),
        ("def f(c, r, s):\n    return [10 ** 400] * len(c)", "for 'a'; a finite number is needed"),
        ("def f(c, r, s):\n    return [1 + 2j] * len(c)", "returned a complex for 'a'"),
        ("def f(c, r, s):\n    return [float('-inf')] * len(c)", "returned -inf for 'a'"),
        ("def f(c, r, s):\n    return [1.0] * 5", "returned 5 figures for 2 completions"),
        ("class f:\n    def __init__(self, c, r, s): pass", "returned a f; a list of 2"),
    ],
)  # fmt: skip
def test_a_reward_that_fails_is_named_with_the_users_line(code: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(code + "\n")
    with pytest.raises(InputError) as caught:
        user_reward("own:f", tmp_path)(["a", ""], ["b", "b"], ["c", "c"])
    assert str(caught.value).startswith("reward own:f: ")
    assert message.replace("{file}", str(file)) in str(caught.value)
