import math
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from semalign.config.data import Language
from semalign.metrics.bleu import (
    SentenceBleu,
    character_bleu,
    chrf_of_sums,
    chrf_plus_plus,
    chrf_with_items,
    corpus_bleu,
    paired_bootstrap,
)
from semalign.metrics.scores import Score, floor
from semalign.runtime.errors import InputError


def language(bleu_tokens: str) -> Language:
    return Language(script="Tibetan", excluded_scripts=[], latin_share=0.1, bleu_tokens=bleu_tokens)


TIBETAN, CHINESE = language("tibetan"), language("zh")


def test_tibetan_bleu_by_hand() -> None:
    # tokens ཀ ཁ ག ང ། against ཀ ཁ ག ཅ །: 4 of 5, 2 of 4, 1 of 3, and none of 2, which smoothing makes half of one
    score = corpus_bleu(["ཀ་ཁ་ག་ང།"], ["ཀ་ཁ་ག་ཅ།"], TIBETAN)
    assert score.value == pytest.approx((4 / 5 * 2 / 4 * 1 / 3 * 0.5 / 2) ** 0.25, abs=1e-12)
    assert score.n == 1


def test_brevity_penalty_by_hand() -> None:
    assert corpus_bleu(["ཀ་ཁ་ག་ང"], ["ཀ་ཁ་ག་ང་ཅ"], TIBETAN).value == pytest.approx(math.exp(1 - 5 / 4), abs=1e-12)


def test_counts_are_pooled_over_the_corpus() -> None:
    # 1-grams 4 + 1 of 4 + 2, and so on; an item shorter than n adds none of order n
    score = corpus_bleu(["ཀ་ཁ་ག་ང", "ཅ་ཆ"], ["ཀ་ཁ་ག་ང", "ཅ་ཇ"], TIBETAN)
    assert score.value == pytest.approx((5 / 6 * 3 / 4 * 2 / 2 * 1 / 1) ** 0.25, abs=1e-12)


def test_tsheg_and_spacing_do_not_count_but_shad_and_case_do() -> None:
    reference = ["བོད་ཡིག་སློབ་སྦྱོང NATO།"]
    assert corpus_bleu(["བོད༌ཡིག༌སློབ་སྦྱོང་NATO ། "], reference, TIBETAN).value == pytest.approx(1)
    assert corpus_bleu(["བོད་ཡིག་སློབ་སྦྱོང NATO"], reference, TIBETAN).value < 1
    assert corpus_bleu(["བོད་ཡིག་སློབ་སྦྱོང nato།"], reference, TIBETAN).value < 1


def test_chinese_by_sacrebleu_zh() -> None:
    # zh cuts Han characters apart and leaves Latin words whole: 你 好 world against 你 好 word
    score = corpus_bleu(["你好 world 吗"], ["你好 word 吗"], CHINESE)
    assert score.value == pytest.approx((3 / 4 * 1 / 3 * 0.5 / 2 * 0.25 / 1) ** 0.25, abs=1e-12)
    assert "tok:zh" in score.signature
    assert "tokens:" not in score.signature


def test_signature_names_everything_that_decides() -> None:
    signature = corpus_bleu(["ཀ"], ["ཀ"], TIBETAN).signature
    for part in (
        "BLEU|",
        "nrefs:1",
        "case:mixed",
        "eff:no",
        "tok:none",
        "smooth:exp",
        "version:",
        "tokens:semalign-2",
        "unspaced:clusters",
    ):
        assert part in signature
    assert "nw:2" in chrf_plus_plus(["ཀ"], ["ཀ"]).signature
    assert "tok:char" in character_bleu(["ཀ"], ["ཀ"]).signature


def test_character_bleu_by_hand() -> None:
    # characters a b c d e against a b c d f
    assert character_bleu(["abcde"], ["abcdf"]).value == pytest.approx(
        (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25, abs=1e-12
    )


def test_chrf_plus_plus_by_hand() -> None:
    # characters: orders 1 and 2 give 1/2 and 0 of 1; words: order 1 gives 0; higher orders do not exist.
    # With equal lengths precision = recall = F, and F is the mean over the orders that exist.
    assert chrf_plus_plus(["ab"], ["ac"]).value == pytest.approx((1 / 2 + 0 + 0) / 3, abs=1e-12)
    assert chrf_plus_plus(["བོད་ཡིག"], ["བོད་ཡིག"]).value == pytest.approx(1)


def test_sentence_bleu_of_a_short_exact_match_is_one() -> None:
    sentence = SentenceBleu(TIBETAN)
    assert sentence("བོད་ཡིག", "བོད་ཡིག") == pytest.approx(1)
    assert corpus_bleu(["བོད་ཡིག"], ["བོད་ཡིག"], TIBETAN).value == 0
    assert sentence("ཀ་ཁ་ག", "ཀ་ཁ་ང") == pytest.approx((2 / 3 * 1 / 2 * 0.5 / 1) ** (1 / 3), abs=1e-12)
    assert sentence("", "བོད་ཡིག") == 0
    assert sentence("", "") == 0


def test_sentence_bleu_agrees_with_sacrebleu_on_raw_chinese() -> None:
    expected = BLEU(tokenize="zh", effective_order=True).sentence_score("今天天气很好", ["今天的天气好"]).score / 100
    assert SentenceBleu(CHINESE)("今天天气很好", "今天的天气好") == pytest.approx(expected, abs=1e-12)


def test_chinese_is_not_normalised() -> None:
    assert corpus_bleu(["你好，世界吗"], ["你好,世界吗"], CHINESE).value < 1


def test_empty_outputs_score_zero() -> None:
    assert corpus_bleu(["", ""], ["བོད་ཡིག", "ཀ"], TIBETAN).value == 0


def test_floor_shifts_the_references_by_one() -> None:
    texts = ["ཀ་ཁ་ག་ང", "ཅ་ཆ་ཇ་ཉ", "ཏ་ཐ་ད་ན"]

    def measure(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
        return corpus_bleu(hypotheses, references, TIBETAN)

    assert measure(texts, texts).value == pytest.approx(1)
    below = floor(measure, texts, texts)
    assert below is not None
    assert below.value == 0
    above = floor(measure, texts[1:] + texts[:1], texts)
    assert above is not None
    assert above.value == pytest.approx(1)
    assert floor(measure, texts[:1], texts[:1]) is None


@pytest.mark.parametrize("measure", [character_bleu, chrf_plus_plus, lambda h, r: corpus_bleu(h, r, TIBETAN)])
def test_unequal_or_empty_input_is_an_error(measure: Callable[[list[str], list[str]], Score]) -> None:
    with pytest.raises(InputError, match="2 outputs but 1 references"):
        measure(["a", "b"], ["a"])
    with pytest.raises(InputError, match="no outputs"):
        measure([], [])


def test_thousands_of_items_score_as_sacrebleu_scores_them_at_once() -> None:
    rng = Random(0)
    hypotheses, references = (
        ["".join(rng.choices("好你吗世界 ab", k=rng.randrange(12))) for _ in range(2500)] for _ in "12"
    )
    by_metric = {BLEU(tokenize="char", force=True): character_bleu, CHRF(word_order=2): chrf_plus_plus}
    for metric, measure in by_metric.items():
        whole = metric.corpus_score(hypotheses, [references])
        found = measure(hypotheses, references)
        assert found.value == whole.score / 100
        assert found.signature.endswith(str(metric.get_signature()))


def test_equal_systems_do_not_differ() -> None:
    """sacrebleu counts resamples beyond the difference, strictly: none, of two systems that answer alike."""
    references = [f"今天第{number}天天气很好" for number in range(20)]
    worse = [reference[:-2] for reference in references]
    assert paired_bootstrap(references, list(references), references, CHINESE, 200) == 1.0
    assert paired_bootstrap(references, worse, references, CHINESE, 200) == 1 / 201


def test_unknown_tokenizer_names_the_key() -> None:
    with pytest.raises(InputError, match=r"^bleu_tokens: .*'zhh'.*tibetan.*zh"):
        corpus_bleu(["a"], ["a"], language("zhh"))
    with pytest.raises(InputError, match=r"^bleu_tokens: "):
        SentenceBleu(language("zhh"))


TEXTS = st.text(alphabet="ab །ཀ", max_size=12)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_chrf_of_summed_statistics_is_sacrebleus(pairs: list[tuple[str, str]]) -> None:
    hypotheses, references = [one for one, _ in pairs], [other for _, other in pairs]
    sums = np.sum(chrf_with_items(hypotheses, references)[1], axis=0)
    expected = CHRF(word_order=2).corpus_score(hypotheses, [references]).score / 100
    assert float(chrf_of_sums(sums)) == pytest.approx(expected, abs=1e-12)
