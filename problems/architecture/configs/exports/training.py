"""Batch and learning rate in the files of frameworks that have a place for them.

They are suggestions of `modelsizer.problems.designs.hyperparameters`; no parameter depends on them.
Keys: ``--global-batch-size``, ``--lr`` and ``--seq-length`` of Megatron-LM's arguments;
``training.global_batch_size``, ``training.seq_len`` and ``default_adamw(lr=...)`` of torchtitan
0.3.0 (``config/configs.py``, ``components/optimizer``); ``train.global_batch_size``,
``train.max_seq_length`` and ``optimizer`` of LitGPT 0.5.13 (``args.py``, ``pretrain.py``);
``batch_size``, ``gradient_accumulation_steps``, ``learning_rate`` and ``min_lr``, a tenth of it as
its comment says, of nanoGPT's ``train.py``. A ``config.json`` has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from modelsizer.problems.records import dataclass

_MULTIPLE = 64  # of sequences in a batch, so that usual numbers of data-parallel ranks divide it
_NANOGPT_BATCH = 8  # sequences of a micro-batch
_LITGPT_BLOCK = 4096  # its longest sequence


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Batch and learning rate by one law.

    Parameters
    ----------
    batch_tokens : float
    learning_rate : float
        Peak.
    sequence_length : int
    law : str
    within : bool
        Whether the design is within the range of the law's fit.
    """

    batch_tokens: float
    learning_rate: float
    sequence_length: int
    law: str
    within: bool

    def sequences(self, length: int | None = None) -> int:
        """Sequences of a batch, a multiple of 64 where there are more."""
        found = self.batch_tokens / (length or self.sequence_length)
        return max(round(found / _MULTIPLE) * _MULTIPLE, 1 if found < _MULTIPLE / 2 else _MULTIPLE)

    @property
    def rate(self) -> str:
        """The learning rate with two digits."""
        return f"{self.learning_rate:.1e}".replace("e-0", "e-")

    @property
    def words(self) -> str:
        """What is said of it in a comment."""
        outside = "" if self.within else ", beyond the runs of its fit"
        return f"batch and learning rate are suggestions of {self.law}{outside}"


def settings_of(
    suggestions: Sequence[Mapping[str, Any]], sequence_length: int
) -> TrainingSettings | None:
    """Settings by the first law of an answer's ``hyperparameters``; None where it has none.

    Parameters
    ----------
    suggestions : sequence of mapping
        With ``name``, ``value``, ``law`` and ``within``.
    sequence_length : int
    """
    law = suggestions[0].get("law") if suggestions else None
    first = [each for each in suggestions if each.get("law") == law]
    values = {each.get("name"): each.get("value") for each in first}
    batch: Any = values.get("batch_size")
    rate: Any = values.get("learning_rate")
    if not isinstance(law, str) or not _positive(batch) or not _positive(rate):
        return None
    within = first[0].get("within") is True
    return TrainingSettings(float(batch), float(rate), sequence_length, law, within)


def settings_of_answer(answer: Mapping[str, Any]) -> TrainingSettings | None:
    """`settings_of` of the JSON of `modelsizer solve`; None of anything else."""
    suggestions, problem = answer.get("hyperparameters"), answer.get("problem")
    if not isinstance(suggestions, list) or not all(isinstance(e, Mapping) for e in suggestions):
        return None
    training = problem.get("training", {}) if isinstance(problem, Mapping) else {}
    length = training.get("sequence_length", 4096) if isinstance(training, Mapping) else 4096
    return settings_of(suggestions, length if isinstance(length, int) else 4096)


def _positive(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value) and value > 0


def with_training(text: str, framework: str, training: TrainingSettings) -> str:
    """A framework's file with batch and learning rate; as it is where it has no place for them."""
    write = _WRITERS.get(framework)
    return text if write is None else write(text, training)


def _megatron(text: str, training: TrainingSettings) -> str:
    flags = [f"--seq-length {training.sequence_length}"]
    if "\n    --max-position-embeddings" not in text:  # it stands there if positions are learned
        flags.append(f"--max-position-embeddings {training.sequence_length}")
    flags += [f"--global-batch-size {training.sequences()}", f"--lr {training.rate}"]
    lines = "".join(f"    {flag}\n" for flag in flags)
    return f'{text}# "${{TRAINING_ARGS[@]}}": {training.words}.\nTRAINING_ARGS=(\n{lines})\n'


def _torchtitan(text: str, training: TrainingSettings) -> str:
    lines = (
        f"    # {training.words.capitalize()}.\n"
        f"    config.training.seq_len = {training.sequence_length}\n"
        f"    config.training.global_batch_size = {training.sequences()}\n"
        f"    config.optimizer = default_adamw(lr={training.rate})\n"
    )
    text = text.replace("    return config\n", f"{lines}    return config\n")
    own = "from torchtitan.components.optimizer import default_adamw\n"
    at = text.index("from torchtitan")
    return text[:at] + own + text[at:]


def _nanogpt(text: str, training: TrainingSettings) -> str:
    block = int(re.findall(r"^block_size = (\d+)$", text, re.MULTILINE)[0])
    steps = max(round(training.sequences(block) / _NANOGPT_BATCH), 1)
    return text + (
        f"# {training.words.capitalize()}.\n"
        f"batch_size = {_NANOGPT_BATCH}\n"
        f"gradient_accumulation_steps = {steps}\n"
        f"learning_rate = {training.rate}\n"
        f"min_lr = {training.learning_rate / 10:.1e}\n"
    )


def _litgpt(text: str, training: TrainingSettings) -> str:
    length = min(training.sequence_length, _LITGPT_BLOCK)
    text += (
        f"  # {training.words.capitalize()}.\n"
        f"  global_batch_size: {training.sequences(length)}\n"
        f"  max_seq_length: {length}\n"
    )
    rate = f"{float(training.rate):.7f}".rstrip("0")  # YAML reads 3e-4 as text
    return text + (f"optimizer:\n  class_path: torch.optim.AdamW\n  init_args:\n    lr: {rate}\n")


_WRITERS: Mapping[str, Callable[[str, TrainingSettings], str]] = MappingProxyType(
    {
        "megatron": _megatron,
        "torchtitan": _torchtitan,
        "nanogpt": _nanogpt,
        "litgpt": _litgpt,
    }
)
