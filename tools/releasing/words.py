"""What a card says of a task, a method and their limits."""

from tools.releasing.finished import Run

METHODS = {
    "train_sft": ("sft", "It was trained on pairs by supervised fine-tuning."),
    "train_grpo": ("grpo", "It was trained by GRPO from a short supervised start, with the rewards given below."),
}


def task_words(run: Run) -> tuple[str, str]:
    """The tag of a run's task, and what its model does, after "it"."""
    task = run.of_task(run.task)
    source, target = task.source_language, task.target_language
    title = task.title or run.task.replace("_", " ")
    if task.between_languages():
        return "translation", f"answers {source} in {target} ({title})" if title != "translation" else (
            f"translates {source} into {target}"
        )
    return title.replace(" ", "-"), f"answers {source} in {target} ({title})"


def limits(run: Run) -> list[str]:
    """What a reader must not take from the figures."""
    config = run.config
    found = [f"One training run, of seed {run.seed}: another seed gives other figures."]
    if config.world:
        found.append(
            f"Its data come from a generated world ({config.world.mt_train} sentence pairs, {config.world.hg_train} "
            "articles with headlines, a few hundred words): figures say nothing about real text."
        )
    if config.policy.path is None:
        found.append(
            "Its base was made on the spot from a small corpus: it shows that the method runs from end to end, and is "
            "of no use beyond that."
        )
    found.append(
        "Similarity is a cosine by sentence encoders, one of which rewards RL: trust a gain that the independent "
        "encoder sees too."
    )
    if run.judgement():
        judge = config.judge
        who = "the generated world's own parser" if judge.kind == "parser" else "a language model"
        found.append(f"The judge is {who}, not a person; it compared with one other system only.")
    found.append(
        f"Answers end after {run.max_new_tokens} tokens. Nobody has looked for harmful, biased or untrue answers."
    )
    return found
