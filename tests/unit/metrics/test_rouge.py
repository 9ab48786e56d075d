import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.metrics.rouge import rouge_l, rouge_l_with_items
from semalign.metrics.scores import floor
from semalign.runtime.errors import InputError
from semalign.text.tokens import rouge_tokens
from tests.unit.inputs import DATA, needs_data

TEXT = st.text(alphabet=st.sampled_from("ཀཁགིྱ་། aBé1༡中文"), max_size=20)


def f_measure(hypothesis: str, reference: str) -> float:
    """The definition, by recursion over prefixes."""
    left, right = rouge_tokens(hypothesis), rouge_tokens(reference)
    common: dict[tuple[int, int], int] = {}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            if i == 0 or j == 0:
                common[i, j] = 0
            elif left[i - 1] == right[j - 1]:
                common[i, j] = common[i - 1, j - 1] + 1
            else:
                common[i, j] = max(common[i - 1, j], common[i, j - 1])
    total = len(left) + len(right)
    return 2 * common[len(left), len(right)] / total if total else 0.0


def test_by_hand() -> None:
    # ཀ ཁ ག against ཀ ག ང ཅ: common subsequence ཀ ག, precision 2/3, recall 2/4
    assert rouge_l_with_items(["ཀ་ཁ་ག"], ["ཀ་ག་ང་ཅ།"])[1] == pytest.approx([4 / 7], abs=1e-12)
    assert rouge_l(["ཀ་ཁ་ག", "བོད"], ["ཀ་ག་ང་ཅ།", "ཡིག"]).value == pytest.approx(2 / 7, abs=1e-12)


def test_punctuation_case_and_spacing_do_not_count() -> None:
    assert rouge_l_with_items(["NATO ཚོགས༌འདུ།"], ["“nato”ཚོགས་ འདུ"])[1] == [1.0]


def test_one_changed_word_costs_its_own_tokens_in_a_script_without_spaces() -> None:
    # clusters ฉั น กิ น ข้ า ว against ฉั น กิ น ผั ก
    assert rouge_l_with_items(["ฉันกินข้าว"], ["ฉันกินผัก"])[1] == pytest.approx([2 * 4 / (7 + 6)], abs=1e-12)
    assert rouge_l_with_items(["ខ្ញុំស្រឡាញ់ឆ្មា"], ["ខ្ញុំស្រឡាញ់ឆ្កែ"])[1] == pytest.approx([2 * 4 / (5 + 5)], abs=1e-12)


def test_text_without_tokens_scores_zero() -> None:
    assert rouge_l_with_items(["", "།", "ཀ", ""], ["ཀ", "།", "", ""])[1] == [0.0] * 4


def test_signature_and_n() -> None:
    score = rouge_l(["ཀ", "ཁ"], ["ཀ", "ཁ"])
    assert (score.value, score.n) == (1.0, 2)
    for part in ("rougeL", "fmeasure", "tokens:semalign-2", "unspaced:clusters", "version:"):
        assert part in score.signature


def test_unequal_or_empty_input_is_an_error() -> None:
    with pytest.raises(InputError, match="1 outputs but 2 references"):
        rouge_l(["a"], ["a", "b"])
    with pytest.raises(InputError, match="no outputs"):
        rouge_l([], [])


@given(TEXT, TEXT)
def test_agrees_with_the_definition(hypothesis: str, reference: str) -> None:
    assert rouge_l_with_items([hypothesis], [reference])[1] == pytest.approx(
        [f_measure(hypothesis, reference)], abs=1e-9
    )


@needs_data
def test_real_tibetan_is_identical_to_itself_and_unlike_its_neighbour() -> None:
    lines = (DATA / "ntrex128" / "newstest2019-ref.bod.txt").read_text(encoding="utf-8").splitlines()[:300]
    assert set(rouge_l_with_items(lines, lines)[1]) == {1.0}
    unrelated = floor(rouge_l, lines, lines)
    assert unrelated is not None
    assert 0.05 < unrelated.value < 0.15  # by syllable; by character it would be 0.4
