"""The one parameter of a rule: everything that its result depends on. Snakemake reruns a job when it changes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from semalign.preflight.referenced_paths import is_external
from semalign.reruns.code import fingerprint
from semalign.reruns.file_hashes import Contents


def external(paths: Iterable[str | Path]) -> list[str]:
    """Those of the paths that no rule makes, sorted."""
    return sorted({str(path) for path in paths if is_external(Path(path))})


class RuleSettings:
    """Makes the parameter of a rule.

    contents: hashes of files. identifiers: the user's own files behind each value of `languages.<name>.identify`.
    """

    def __init__(self, contents: Contents, identifiers: Mapping[str, Sequence[str]]) -> None:
        self.contents, self.identifiers = contents, identifiers

    def __call__(
        self, script: str, reads: Iterable[str | Path] = (), modules: Iterable[str] = (), **values: Any
    ) -> dict[str, Any]:
        """The values, the content of the files that no rule makes, and the code that the script uses.

        One plain dict with sorted keys, since Snakemake compares parameters as a set of values and drops their names.
        `reads`: paths of the config among the inputs. `modules`: those that the script imports by a name among the
        values.
        """
        plain = {
            key: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
            for key, value in values.items()
        }
        files = external([*reads, *self._files_of_identifiers(plain)])
        plain |= {"contents": {path: self.contents.hash(Path(path)) for path in files}} if files else {}
        whole = json.dumps(plain | {"code": fingerprint(script, *modules)}, sort_keys=True, default=str)
        return json.loads(whole)

    def _files_of_identifiers(self, value: Any) -> list[str]:
        """The user's own files behind the languages that stand within a rule's values."""
        if isinstance(value, dict):
            own = self.identifiers.get(str(value.get("identify")), [])
            return [*own, *(path for inner in value.values() for path in self._files_of_identifiers(inner))]
        if isinstance(value, list):
            return [path for inner in value for path in self._files_of_identifiers(inner)]
        return []
