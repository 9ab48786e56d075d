"""Tibetan targets with Chinese words in them: which words, how many targets, and what stays as it was."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.config.models import Tokenizer
from semalign.miniature import tibetan
from semalign.miniature.mixing import MIXED_SLOTS, mix, mix_targets
from semalign.miniature.parser import parse_chinese, parse_tibetan
from semalign.miniature.pieces import all_pieces
from semalign.miniature.scenes import GENERAL, draw
from semalign.runtime.errors import InputError
from semalign.text.languages import language_consistency
from semalign.text.tokenizer import build_tokenizer, count_unknown

BO = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
ROWS = [
    {"id": str(i), "source": "", "target": tibetan.sentence(Random(i), draw(Random(i), GENERAL))} for i in range(400)
]


def test_places_and_objects_stand_in_chinese_and_nothing_else() -> None:
    assert (
        mix("ཁ་སང་དགེ་རྒན་གྱིས་ཁྲོམ་ར་ལ་གྲོགས་པོ་དང་མཉམ་དུ་དེབ་དམར་པོ་གསུམ་ཉོས།")
        == "ཁ་སང་དགེ་རྒན་གྱིས་市场ལ་གྲོགས་པོ་དང་མཉམ་དུ་书དམར་པོ་གསུམ་ཉོས།"
    )
    assert mix("ཆུ་འགྲམ་ནས་གྲྭ་པས་རྟ་མ་མཐོང་བ།") == "河边ནས་གྲྭ་པས་马མ་མཐོང་བ།"
    assert mix("གནམ་གཤིས་གྲང་མོ་རེད།") == "གནམ་གཤིས་གྲང་མོ་རེད།"
    # the painter and the hunter begin like a painting and a dog
    assert mix("རི་མོ་མཁན་གྱིས་རི་མོ་མཐོང་།") == "རི་མོ་མཁན་གྱིས་画མཐོང་།"
    assert mix("ཁྱི་ར་བས་ཁྱི་མཐོང་།") == "ཁྱི་ར་བས་狗མཐོང་།"


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_the_other_words_say_what_they_said(seed: int) -> None:
    rng = Random(seed)
    scene = draw(rng, GENERAL)
    mixed = mix(tibetan.sentence(rng, scene))
    read = parse_tibetan(mixed).slots
    assert not read.keys() & set(MIXED_SLOTS)
    assert {slot: values for slot, values in read.items() if slot != "polarity"} == {
        slot: (value,) for slot, value in scene.values.items() if slot not in {*MIXED_SLOTS, "polarity"}
    }
    chinese = parse_chinese("".join(c for c in mixed if "一" <= c <= "鿿"))
    assert {slot: values[0] for slot, values in chinese.slots.items()} == {s: scene.values[s] for s in MIXED_SLOTS}
    assert language_consistency(mixed, BO) == 0.0


def test_a_share_of_the_targets_is_mixed_the_same_at_every_call() -> None:
    rows, counts = mix_targets(ROWS, 0.75)
    changed = [row["target"] != before["target"] for row, before in zip(rows, ROWS, strict=True)]
    assert counts == {"rows": 400, "mixed": sum(changed), "nothing_to_mix": 0}
    assert 0.68 < sum(changed) / 400 < 0.82
    assert mix_targets(ROWS, 0.75)[0] == rows
    assert mix_targets(ROWS[200:], 0.75)[0] == rows[200:]  # by id, not by place
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]


def test_all_or_none() -> None:
    assert mix_targets(ROWS, 1.0)[1]["mixed"] == 400
    with pytest.raises(InputError, match=r"world\.mixed_share: none of 400 targets"):
        mix_targets(ROWS, 0.0)
    with pytest.raises(InputError, match=r"world\.mixed_share: none of 1 targets"):
        mix_targets([{"id": "a", "source": "", "target": "བཀྲ་ཤིས་བདེ་ལེགས།"}], 1.0)


def test_what_is_mixed_is_made_of_known_words(tmp_path: Path) -> None:
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("\n".join(all_pieces()) + "\n", encoding="utf-8")
    tokenizer = build_tokenizer(Tokenizer(lexicon=lexicon), [])
    assert count_unknown(tokenizer, [mix(row["target"]) for row in ROWS]) == 0
