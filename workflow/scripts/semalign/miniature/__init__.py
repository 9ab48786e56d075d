"""The miniature: a generated bilingual world, its languages, its data files and its judge."""

WORLD = "results/world"
WORLD_FILES = [
    "questions.json",
    "cmrc.json",
    "translations.jsonl",
    "text.jsonl",
    "mt_train.jsonl",
    "mt_test.jsonl",
    "hg_train.jsonl",
    "hg_test.jsonl",
    "encoder_reward.jsonl",
    "encoder_independent.jsonl",
    "encoder_pairs.jsonl",
    "encoder_paraphrases.jsonl",
    "exam_pairs.jsonl",
    "probes.jsonl",
    "lexicon.txt",
]
