"""How many rows a config's sources have: counted in files that are here, as published of files to be fetched."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from semalign.config.data import EncoderSource, PairSource, QuestionSource, Table
from semalign.config.downloads import FOLDER, HubDownload
from semalign.data.sources import first_file, read_pairs
from semalign.data.tabular import read_rows
from semalign.preflight.referenced_paths import paths_within
from semalign.preflight.root import Config
from semalign.runtime.files import Row

Source = PairSource | EncoderSource | QuestionSource

# By a part of the address: rows of files as their owners give them. Of CMHG, what the paper's filter left of all
# articles, and the size of its test set.
PUBLISHED = {
    "MicrosoftTranslator/NTREX": {"newstest2019-ref.zho-CN.txt": 1997, "newstest2019-src.eng.txt": 1997},
    "nilamjyotiDeka/Multi30K_Brx": {"train.en.gz": 29_000, "val.en.gz": 1014, "test_2016_flickr.en.gz": 1000},
    "google-deepmind/xquad": {"xquad.en.json": 1190},
    "cambridgeltl/xcopa": {"val.zh.jsonl": 100, "test.zh.jsonl": 500},
    "openlanguagedata/flores_plus": {"dev/cmn_Hans.jsonl": 997, "devtest/cmn_Hans.jsonl": 1012},
    "hfl/cmrc2018": {"data/validation-00000-of-00001.parquet": 3219, "data/train-00000-of-00001.parquet": 10_142},
    "KEVVVV/CMHG": {"bo/bo-all.csv": 16_449, "bo/average_score_4_or_higher.csv": 621},
    "dharmamitra/mitra-parallel": {
        "K08D0051_H0051_T11n0310.tsv": 1828,
        "K08D0053_H0053_T11n0314.tsv": 551,
        "K10D0106_H0109_T16n0678.tsv": 203,
        "K10D0108_H0111_T16n0670.tsv": 3312,
        "K10D0111_H0114_T12n0380.tsv": 1871,
        "K10D0112_H0115_T03n0158.tsv": 2902,
        "K10D0119_H0368_T12n0374.tsv": 9221,
        "K10D0123_H0125_T15n0653.tsv": 1300,
        "K10D0135_H0138_T09n0273.tsv": 839,
        "K10D0136_H0137_T12n0379.tsv": 917,
        "K10D0174_H0175_T14n0482.tsv": 1344,
        "K10D0238_H0239_T17n0761.tsv": 2317,
        "K10D0239_H0240_T13n0411.tsv": 2852,
        "K10D0252_H0253_T17n0774.tsv": 275,
        "K10Dx_H0259_T19n0945.tsv": 2467,
        "K12D0555_H0513_T16n0665.tsv": 2959,
    },
}


class Rows(NamedTuple):
    """How many, and how that is known: counted, as published, or set by the config."""

    number: int
    known: Literal["counted", "published", "set"]


def rows_of(source: Source, read: Callable[[Any], Iterator[Row]], config: Config) -> Rows | None:
    """The rows that `read` gives of a source; None where a file is not here, in its download's place or in the mirror,
    and nothing is published of it. Raises InputError where a file that is here is damaged."""
    here = _where_it_lies(source, config)
    if all(path.is_file() for _, path in paths_within(here)):
        return Rows(sum("left_out" not in row for row in read(here)), "counted")
    number = _published(first_file(source), config)
    return None if number is None else Rows(number, "published")


def read_training(source: EncoderSource) -> Iterator[Row]:
    """The rows of an encoder's training data."""
    if isinstance(source, Table):
        return read_rows(source, ("anchor", "positive"), ("negative",))
    return read_pairs(source)


def _where_it_lies(source: Source, config: Config) -> Source:
    """The source with what only the mirror has read from there."""

    def lies(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: lies(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [lies(inner) for inner in value]
        if config.mirror and isinstance(value, str) and PurePosixPath(value).is_relative_to(FOLDER):
            copy = Path(config.mirror) / PurePosixPath(value).relative_to(FOLDER)
            return str(copy) if copy.is_file() and not Path(value).is_file() else value
        return value

    return type(source).model_validate(lies(source.model_dump(mode="json")))


def _published(path: Path, config: Config) -> int | None:
    place = PurePosixPath(path)
    if not place.is_relative_to(FOLDER):
        return None
    name, *rest = place.relative_to(FOLDER).parts
    file, fetched = "/".join(rest), config.downloads[name]
    address = fetched.repo if isinstance(fetched, HubDownload) else fetched.urls.get(file, "")
    return next((files[file] for part, files in PUBLISHED.items() if part in address and file in files), None)
