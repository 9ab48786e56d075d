"""Which jobs read each key of the config, by patterns of keys and of jobs."""

T = "(?P<task>mt|hg)"
CMRC = r"retention\.benchmarks\.cmrc"
E = "(?P<encoder>independent|raw)"
ENCODER = rf"(encoder_ablation\.)?encoders\.{E}"
OF_REWARD = r"encoders\.reward"  # what it says, `raw` has from it where that one says nothing
SOURCE = r"\d+\.(format|path|columns|quoting|exclude_ids_from|repeated_ids)"
OPTIMISATION = "(learning_rate|micro_batch_size|warmup_ratio|schedule|max_grad_norm)"
COUNTED = "(epochs|batch_size|max_tokens)"  # from what must be there before anything costly, too
METHODS = ["sample_candidates *", "train_method *", "choose_answers *"]
MODELS = ["train_sft *", "measure_threshold *", "train_grpo *", *METHODS, "generate *", "measure_likelihood *"]
ENCODED = ["train_encoder *", "examine_encoder *", "score_similarity *", "audit_rollouts *"]
ANSWERS = ["generate base", "generate {task}/*"]
TEXT_OF_MT = ["score_text base", "score_text mt/*"]
TRAINED_ALIKE = ["train_encoder reward", "train_encoder raw"]
RESAMPLED = [
    "tabulate_paper *",
    "compare_systems",
    "summarise_verdicts *",
    "tabulate_frontier",
    "tabulate_encoders",
]
DRAWN = [
    f"draw_figure {name}" for name in ("reward", "rollouts", "audit", "tradeoff", "ablation", "frontier", "likelihood")
]
SCORED = ["score_text *", "score_similarity *"]
LANGUAGE = ["prepare_pairs *", "train_grpo *", "sample_candidates *", "audit_rollouts *", *SCORED]

TRIALS = ["train_sft", "train_grpo", "generate", "score_text", "score_similarity"]  # those of the trials that are new

# What reads each key. Nothing: it changes no result.
READ_BY: dict[str, list[str]] = {
    "device": [*MODELS, *ENCODED, "train_base"],
    "processes": ["train_sft *", "train_grpo *", "train_method *"],
    "gradient_checkpointing": ["train_grpo *"],
    "downloads": [],  # as long as nothing reads them; test_downloads.py has those that are read
    "mirror": [],
    "licences": [],
    r"languages\.zh\.(script|excluded_scripts|latin_share|identify|code)": ["prepare_pairs mt"],
    r"languages\.zh\.bleu_tokens": [],
    r"languages\.bo\.(script|excluded_scripts|latin_share|identify|code)": LANGUAGE,
    r"languages\.bo\.bleu_tokens": ["score_text *", "train_grpo mt/rl-bleu_similarity_lc", "compare_systems"],
    r"languages\.\w+\.(among|threshold|least_letters)": [],  # as long as the script alone decides
    r"world\.(left_out|mixed_share)": ["rewrite_cold *"],
    r"world\.(?!left_out|mixed_share)\w+": ["generate_world"],
    rf"tasks\.{T}\.source_language": ["prepare_pairs {task}"],
    rf"tasks\.{T}\.target_language": [
        *[part.replace("*", "{task}*") for part in LANGUAGE],
        *[part.replace("*", "base") for part in SCORED],
    ],
    r"tasks\.mt\.title": ["tabulate_paper table1", *DRAWN],
    r"tasks\.hg\.title": ["tabulate_paper table2", *[name for name in DRAWN if name != "draw_figure ablation"]],
    r"tasks\.mt\.published": ["tabulate_paper table[1356]*"],
    r"tasks\.hg\.published": ["tabulate_paper table[2346]*"],
    r"tasks\.mt\.metrics": [*TEXT_OF_MT, "compare_systems"],  # whose first says how it is tested
    r"tasks\.hg\.metrics": ["score_text base", "score_text hg/*"],
    r"tasks\.mt\.prompt": ["prepare_corpus", "check_amounts"],  # base training shows translations with it
    r"tasks\.hg\.prompt": [
        "filter_length hg",
        "check_amounts",
        "train_sft hg/*",
        "measure_threshold hg",
        "train_grpo hg/*",
        *[job.replace(" *", " hg*") for job in METHODS],
        "generate base",
        "generate hg/*",
    ],
    rf"tasks\.{T}\.train\.{SOURCE}": ["prepare_pairs {task}"],
    rf"tasks\.{T}\.test\.{SOURCE}": ["prepare_pairs {task}", "prepare_corpus"],  # which must not hold its texts
    rf"tasks\.{T}\.max_tokens": ["filter_length {task}"],
    rf"tasks\.{T}\.max_new_tokens": ["measure_threshold {task}*", "choose_answers {task}/*", *ANSWERS],
    rf"tasks\.{T}\.stop": [
        "measure_threshold {task}*",
        "sample_candidates {task}",
        "train_grpo {task}/*",
        "choose_answers {task}/*",
        *ANSWERS,
    ],
    rf"tasks\.{T}\.shots(\..*)?": ["draw_shots {task}", "choose_answers {task}/*", *ANSWERS],
    rf"tasks\.{T}\.split\.(seed|cold|rl|dev)": ["split_pairs {task}"],
    rf"tasks\.{T}\.split\.test": [
        "prepare_pairs {task}",
        "prepare_corpus",
    ],  # the test set's source is taken out with it
    r"retention\.primary": [],  # of one benchmark
    rf"{CMRC}\.kind": [],  # another kind has other keys
    rf"{CMRC}\.test\.0\.(format|path)": ["prepare_questions cmrc", "prepare_corpus"],
    rf"{CMRC}\.limit": ["prepare_questions cmrc"],
    rf"{CMRC}\.prompt": ["prepare_corpus", "generate *"],
    rf"{CMRC}\.max_new_tokens": ["generate *"],
    rf"{CMRC}\.rules": ["prepare_questions cmrc", "score_text *"],
    rf"{CMRC}\.stop": ["generate *"],
    rf"{CMRC}\.shots(\..*)?": ["draw_shots cmrc", "generate *"],
    rf"{CMRC}\.no_answer": ["prepare_questions cmrc", "score_text *"],  # with squad alone
    r"policy\.path": ["filter_length *", "check_amounts", *MODELS],
    r"policy\.pretraining\.corpus\.\d+\.(kind|task|source\.\w+)": ["prepare_corpus"],
    r"policy\.pretraining\.tokenizer\.(lexicon|vocab_size)": ["train_tokenizer"],
    r"policy\.pretraining\.shape\.\w+": ["train_base"],
    r"policy\.pretraining\.(seed|steps|batch_size|learning_rate|warmup_ratio|max_tokens)": ["train_base"],
    r"policy\.chat_template": ["filter_length *", "check_amounts", *MODELS],
    r"policy\.dtype": MODELS,
    r"policy\.quantization": MODELS,
    r"policy\.attention": [*MODELS, "check_policy"],
    r"policy\.cuda_graphs": [],  # as long as no GPU decodes
    r"(cold_sft|strong_sft|few_shot\.sft)\.padding_free": ["train_sft *"],  # with flash attention alone
    r"lora\.(rank|alpha|dropout|target_modules)": ["train_sft *"],
    rf"cold_sft\.{OPTIMISATION}": ["train_sft */cold_sft"],
    rf"cold_sft\.{COUNTED}": ["train_sft */cold_sft", "check_amounts"],
    rf"strong_sft\.{OPTIMISATION}": ["train_sft */strong_sft", "train_sft */sft-32"],
    rf"strong_sft\.{COUNTED}": ["train_sft */strong_sft", "train_sft */sft-32", "check_amounts"],
    rf"rl\.{OPTIMISATION}": ["train_grpo *"],
    r"rl\.(beta|epsilon|loss)": ["train_grpo *"],
    r"rl\.(epochs|batch_size|steps_per_generation)": ["train_grpo *", "check_amounts"],
    r"rl\.(temperature|top_p|max_new_tokens)": ["train_grpo *", "sample_candidates *"],
    r"rl\.(num_generations|max_prompt_tokens)": ["train_grpo *", "sample_candidates *", "check_amounts"],
    r"rl\.vllm_memory": [],  # as long as vLLM does not sample
    r"rl\.threshold_quantile": ["measure_threshold *"],
    r"rl\.rewards\.\w+": [
        "train_grpo */rl",
        "train_grpo mt/rl-encoder-raw",
        "sample_candidates *",
        "audit_rollouts */rl",
        "tabulate_paper table5",
        "draw_figure reward",
    ],
    r"rl\.snapshot_steps": ["train_grpo */rl"],
    r"rl\.max_zero_variance_share": ["check_grpo *"],
    rf"{ENCODER}\.(path|seed|learning_rate|warmup_ratio|scale|max_tokens)": ["train_encoder {encoder}"],
    rf"{OF_REWARD}\.(path|seed|learning_rate|warmup_ratio|scale|max_tokens)": TRAINED_ALIKE,
    rf"{ENCODER}\.epochs": ["train_encoder {encoder}", "check_amounts"],
    rf"{OF_REWARD}\.epochs": ["train_encoder reward", "check_amounts"],
    r"encoders\.independent\.batch_size": ["train_encoder independent", "check_amounts"],
    r"encoder_ablation\.encoders\.raw\.batch_size": ["train_encoder raw"],  # as long as it is not tuned
    rf"{OF_REWARD}\.batch_size": [*TRAINED_ALIKE, "check_amounts"],
    rf"{ENCODER}\.shape\.\w+": ["train_encoder {encoder}"],
    rf"{OF_REWARD}\.shape\.\w+": TRAINED_ALIKE,
    rf"{ENCODER}\.tokenizer\.(lexicon|vocab_size)": ["train_encoder {encoder}"],
    rf"{OF_REWARD}\.tokenizer\.(lexicon|vocab_size)": TRAINED_ALIKE,
    rf"encoders\.independent\.train\.{SOURCE}": [
        "train_encoder independent",
        "examine_encoder independent",
        "check_amounts",
    ],
    rf"encoder_ablation\.encoders\.raw\.train\.{SOURCE}": [
        "train_encoder raw",
        "examine_encoder raw",
        "check_amounts",  # another exam
    ],
    rf"{OF_REWARD}\.train\.{SOURCE}": [
        *TRAINED_ALIKE,
        "examine_encoder reward",
        "examine_encoder raw",
        "check_amounts",
    ],
    rf"({ENCODER}|{OF_REWARD})\.mini_batch_size": [],  # as long as it is not smaller than the batch
    rf"exam\.pairs\.{SOURCE}": ["examine_encoder *", "check_amounts"],
    rf"exam\.probes\.{SOURCE}": ["examine_encoder *"],
    r"exam\.(size|seed)": ["examine_encoder *", "check_amounts"],
    r"exam\.thresholds\.(\w+|inequality\.\w+)": ["check_encoder *", "tabulate_encoders"],
    r"generation_batch_size": ["measure_threshold *", "generate *", "sample_candidates *", "choose_answers *"],
    r"checkpoint_seconds|warm_start": [],
    r"tracking(_project)?": [],
    r"ablation\.variants\.bleu_similarity_lc\.rewards\.\w+": [
        "train_grpo mt/rl-bleu_similarity_lc",
        "audit_rollouts mt/rl-bleu_similarity_lc",
        "tabulate_paper table5",
    ],
    rf"few_shot\.sft\.({OPTIMISATION}|epochs|batch_size)": ["train_sft hg/fewshot-*"],
    r"few_shot\.(pairs|sft\.max_tokens)": ["train_sft hg/fewshot-*", "check_amounts"],
    r"frontier\.methods\.dpo\.\w+": ["train_method */dpo@32"],
    r"frontier\.methods\.mbr\.\w+": ["choose_answers */mbr@2"],
    r"forgetting\.(passages|sha256)": ["select_passages"],
    r"forgetting\.(max_tokens|batch_size|chunk_tokens)": ["measure_likelihood *"],
    r"search": [],  # `all` trains no trial: test_search.py
    r"search\.<name>\.(of|task|seeds|grid|random(\..*)?|draws|draw_seed|steps)": [*TRIALS, "tabulate_search"],
    r"search\.<name>\.retention": ["generate", "score_text", "measure_benchmark", "tabulate_search"],
    r"search\.<name>\.measure": ["tabulate_search"],
    r"search\.<name>\.max_trials": [],
    r"statistics\.(resamples|seed)": RESAMPLED,
    r"statistics\.confidence": [*RESAMPLED, "tabulate_audit"],
    r"statistics\.primary\.\d+\.(task|measure)": ["compare_systems"],
    r"audit\.steps": ["audit_rollouts *"],
    r"audit\.thresholds\.\w+\.(warning|collapsed)": [
        *[f"tabulate_paper table{number}" for number in (1, 2, 3)],
        "tabulate_audit",
        "tabulate_frontier",
    ],
    r"audit\.training\.(every|stop)": [],
    r"report\.(examples|contrasts|seed)": [],  # `all` does not make the report: test_report.py
}
# Keys whose other value names other sources, or their licences: the table of sources is made anew, too.
SOURCES = "licences|.*\\.exclude_ids_from|tasks\\.\\w+\\.split\\.test|policy\\.path|.*encoders\\.\\w+\\.path"
SOURCES += "|encoder_ablation\\..*\\.(path|lexicon)"
SOURCES += (
    "|(policy\\.pretraining|encoders\\.reward)\\.tokenizer\\.vocab_size|encoders\\.independent\\.tokenizer\\.lexicon"
)
