"""Two scenes of the world, and their sentences in one style of each language."""

from dataclasses import replace

from semalign.miniature import chinese, tibetan
from semalign.miniature.scenes import Scene

LESSON = Scene(
    time="yesterday", subject="teacher", place="market", companion="friend",
    action="buy", number="3", quality="red", object="book",
)  # fmt: skip
MONK = Scene(time="spring", subject="monk", place="monastery", action="see", object="horse", negated=True)


def in_chinese(scene: Scene, number: int = 0) -> str:
    return chinese.text(chinese.pieces(scene, chinese.STYLES[number]))


PLAIN = tibetan.Style(tibetan.ORDERS[0], "ལ", "མཉམ་དུ", tibetan.PLAIN, True, False, frozenset())
PLAIN_HEADLINE = replace(PLAIN, order=tibetan.HEADLINE_ORDERS[0])


def in_tibetan(scene: Scene, style: tibetan.Style = PLAIN) -> str:
    return tibetan.text(scene, style)
