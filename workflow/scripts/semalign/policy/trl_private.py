"""The private parts of trl on which a faster GRPO relies; with another version it takes longer, and learns the same.

What resuming relies on is in `semalign.resume.private_parts`, whose check of versions covers this part too.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, cast

import torch
from trl import GRPOTrainer

from semalign.policy.decoding import grows_plainly
from semalign.policy.models import merged_adapter
from semalign.policy.shared_prompts import read_prompts
from semalign.policy.stops import ended
from semalign.resume.private_parts import TESTED, EpochsResumed

CUT = "completions/clipped_ratio"
IGNORED = -100  # a label without a loss
KNOWN = version("trl").startswith(f"{TESTED['trl']}.")


class RolloutTrainer(EpochsResumed, GRPOTrainer):
    """trl's trainer with fewer operations a token: it samples from merged weights where merging is exact to rounding,
    and reads a prompt once for all its completions where activations are kept.

    `stops`: texts that end a completion, too.
    """

    stops: Sequence[str] = ()

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        if self.use_vllm:  # has weights of its own
            made = super()._generate_single_turn(*args, **kwargs)
        else:
            with merged_adapter(self.accelerator.unwrap_model(self.model)):
                made = super()._generate_single_turn(*args, **kwargs)
        if not self.stops:
            return made
        completions, logprobs = made
        lengths = [self._length(ids) for ids in completions]
        cut = [ids[:length] for ids, length in zip(completions, lengths, strict=True)]
        if logprobs is not None:
            logprobs = [own[:length] for own, length in zip(logprobs, lengths, strict=True)]
        return cut, logprobs

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *args: Any, **kwargs: Any
    ) -> Any:
        """trl's log-probabilities and entropies of the completions, each (rows, logits_to_keep)."""
        plain: Any = (model, input_ids, attention_mask, logits_to_keep)
        others = {name: value for name, value in kwargs.items() if name not in ("compute_entropy", "compute_aux_loss")}
        recomputed = self.args.activation_checkpointing  # which has no cache
        more = args or any(value is not None for value in others.values())  # images, or one pass in parts
        if not KNOWN or more or recomputed or self.aux_loss_enabled:
            return super()._get_per_token_logps_and_entropies(*plain, *args, **kwargs)
        policy = self.accelerator.unwrap_model(model).get_base_model()
        prompt = input_ids.shape[1] - logits_to_keep
        with self.accelerator.autocast():
            cache = None
            if grows_plainly(policy):
                cache = read_prompts(policy.base_model, input_ids[:, :prompt], attention_mask[:, :prompt])
            if cache is None:
                return super()._get_per_token_logps_and_entropies(*plain, **kwargs)
            ids, mask = input_ids[:, prompt - 1 :], attention_mask[:, prompt - 1 :]
            labels = ids.masked_fill(mask == 0, IGNORED)
            found = model(
                input_ids=ids, attention_mask=attention_mask, past_key_values=cache, labels=labels, fused_lm_head=True
            )
        if cache.get_seq_length() != input_ids.shape[1]:
            raise RuntimeError(f"{type(policy).__name__} does not read the cache that it is given")
        return found.log_probs, found.entropy if kwargs.get("compute_entropy") else None, None

    def _length(self, ids: list[int]) -> int:
        """How many tokens of a completion the policy is trained on: those until a stop string is complete, else all."""
        tokenizer: Any = self.processing_class
        found = ended(tokenizer, ids, self.stops)
        return found[1] if found else len(ids)

    def _generate(self, prompts: list[Any]) -> Any:
        """trl's, which takes for cut what a stop string has ended: its share of cut completions is corrected."""
        made = super()._generate(prompts)
        model, tokenizer = cast(Any, self.model), cast(Any, self.processing_class)
        shares = getattr(self, "_metrics", {}).get("train" if model.training else "eval", {}).get(CUT)
        if self.stops and shares:
            ends = {*self.eos_token_ids, tokenizer.pad_token_id}
            cut = [ids[-1] not in ends and ended(tokenizer, ids, self.stops) is None for ids in made[1]]
            everywhere = self.accelerator.gather(torch.tensor(cut, device=self.accelerator.device))
            shares[-1] = everywhere.float().mean().item()
        return made
