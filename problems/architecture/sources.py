"""Load an architecture from a configuration or a model file, the catalogue or an answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.problems import plain_values
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.answers import from_answer
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.checkpoints import folders, native
from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.quantization.keys import QUANTISED
from modelsizer.problems.errors import ModelsizerError, did_you_mean, require_type
from modelsizer.problems.records import dataclass
from modelsizer.problems.text_files import (
    UnreadableError,
    exists,
    read_standard_input,
    read_text,
)
from modelsizer.problems.visible import shortened

if TYPE_CHECKING:
    from modelsizer.problems.architecture.checkpoints.by_transformers import LibraryCount
    from modelsizer.problems.architecture.checkpoints.hub import HubId
    from modelsizer.problems.architecture.checkpoints.stored import Checkpoint

STANDARD_INPUT = "-"
_LONGEST_NAME = 200
_PROBLEM = ".toml"
_ALIKE = 0.8  # likeness of names from which the catalogue's is named, as of difflib


@dataclass(frozen=True, slots=True)
class Source:
    """What was found of a source.

    Parameters
    ----------
    label : str
        Its name in messages.
    content : mapping
        A configuration with the field names of Hugging Face, or an answer.
    file : Path or None
        The file that it was read from.
    checkpoint : Checkpoint or None
        The tensors of the file, if it holds them.
    noted : bool
        Whether what its reader assumed is said.
    """

    label: str
    content: Mapping[str, Any]
    file: Path | None = None
    checkpoint: Checkpoint | None = None
    noted: bool = True

    def architecture(self, say: Callable[[str], object] = warnings.warn) -> Architecture:
        """Read the architecture.

        Raises
        ------
        SourceError
            If the content is neither of the two, or cannot be counted.
        """

        def note(text: str) -> None:
            if self.noted:
                say(f"{self.label}: {text}")

        try:
            if self.is_answer:
                return from_answer(self.content)
            found = read_config(self.content, note)
        except ModelsizerError as error:
            from modelsizer.problems.architecture.checkpoints import by_transformers

            offer = "" if self.is_answer or by_transformers.missing() else by_transformers.OFFER
            raise SourceError(f"{self.label}: {error}{offer}") from None
        if self.checkpoint is None:
            return found
        self._compare(self.checkpoint, found, note)
        formats, beside = self.checkpoint.formats(found), self.checkpoint.beside
        return replace(found, stored=formats, beside=beside)

    def tensors(
        self, architecture: Architecture, say: Callable[[str], object] = warnings.warn
    ) -> Checkpoint | None:
        """The tensors of the model's files: of a GGUF file, or of safetensors files beside it.

        Parameters
        ----------
        architecture : Architecture
            That of `architecture`.
        say : callable
            Told if the files hold another number of parameters, or cannot be read.
        """
        if self.checkpoint is not None or self.file is None or self.is_answer:
            return self.checkpoint
        from modelsizer.problems.architecture.checkpoints import safetensors_files

        try:
            if not (files := safetensors_files.files_beside(self.file)):
                return None
            found = safetensors_files.checkpoint(files, architecture)
        except SourceError as error:
            say(f"{self.label}: {error}")
            return None
        self._compare(found, architecture, lambda text: say(f"{self.label}: {text}"))
        return found

    @staticmethod
    def _compare(
        held: Checkpoint, architecture: Architecture, say: Callable[[str], object]
    ) -> None:
        """Say if the files hold another number of parameters than is counted."""
        found, counted = held.parameters, count_parameters(architecture).total
        if found is not None and found != counted:
            say(f"its tensors hold {found:,} parameters, and {counted:,} are counted")

    @property
    def is_answer(self) -> bool:
        """Whether the content is an answer, not a configuration."""
        return "architecture" in self.content and "model_type" not in self.content


def load_architecture(
    source: str | Path, say: Callable[[str], object] = warnings.warn, *, download: bool = False
) -> Architecture:
    """Load the architecture of a source.

    Parameters
    ----------
    source : str or Path
        Path of a Hugging Face ``config.json``, of a folder that holds one, of a GGUF file, or of an
        answer in JSON; ``-`` for JSON on standard input; a name in the catalogue; or an id of the
        Hugging Face hub, ``org/name`` or ``org/name@revision``, in its local cache. A path that
        exists comes first.
    say : callable
        Told of each field of a configuration that is null and whose default was taken.
    download : bool
        Whether the configuration of a model of the hub may be downloaded; by default the network
        is never asked.

    Raises
    ------
    ModelsizerError
        If it cannot be found, read or counted; the message names the source and the field.
    """
    return find_source(source, download=download).architecture(say)


def find_source(source: str | Path, *, download: bool = False) -> Source:
    """Find a source and read it, without counting.

    Parameters
    ----------
    source, download
        As of `load_architecture`.

    Raises
    ------
    ModelsizerError
        If it cannot be found or read.
    """
    require_type("source", source, str | Path)
    source = str(source)
    require_type("download", download, bool)
    if source == STANDARD_INPUT:
        return _said(source, lambda: _of_text(read_standard_input(), "standard input"))
    if exists(path := Path(source)):
        return _said(source, lambda: _of_path(path, _label(source)))
    from modelsizer.problems.architecture.models import models

    catalogue = models()
    if source in catalogue:
        return Source(source, catalogue[source].config, noted=False)
    from modelsizer.problems.architecture.checkpoints import hub

    if (model := hub.HubId.parse(source)) is not None:
        return _said(
            source,
            lambda: _of_path(_hub_file(model, catalogue, download=download), _label(source)),
        )
    hint = did_you_mean(source, catalogue)
    raise SourceError(
        f"{_label(source)}: no such file or folder, and no model of that name{hint}; "
        "`modelsizer models` lists them"
    )


def _hub_file(model: HubId, catalogue: Mapping[str, object], *, download: bool) -> Path:
    """File of a model of the hub; the error names the catalogue's model of like name.

    Raises
    ------
    SourceError
        As `hub_file`.
    """
    from difflib import get_close_matches

    from modelsizer.problems.architecture.checkpoints.hub import hub_file

    try:
        return hub_file(model, download=download)
    except SourceError as error:
        name = model.repository.rpartition("/")[2].lower()
        alike = get_close_matches(name, catalogue, 1, _ALIKE)
        more = f"; of like name in `modelsizer models`: {alike[0]}" if alike else ""
        raise SourceError(f"{error}{more}") from None


def count_by_transformers(source: str | Path, *, download: bool = False) -> LibraryCount:
    """Count the parameters of a configuration by the classes of transformers.

    For types that modelsizer has no reader of: only the total, and the active parameters where
    experts are recognised. transformers and torch must be installed (extra `transformers`); they
    are imported in a process of its own, and neither the network nor code of the model is used.

    Parameters
    ----------
    source, download
        As of `load_architecture`; a configuration.

    Returns
    -------
    LibraryCount

    Raises
    ------
    ModelsizerError
        If a package is missing, or the library does not accept the configuration either.
    """
    return counted_by_library(find_source(source, download=download))


def counted_by_library(source: Source) -> LibraryCount:
    """`count_by_transformers` of a source that was read."""
    from modelsizer.problems.architecture.checkpoints import by_transformers

    if source.is_answer:
        raise SourceError(f"{source.label}: is an answer, not a configuration")
    try:
        return by_transformers.count_config(source.content)
    except SourceError as error:
        raise SourceError(f"{source.label}: {error}") from None


def from_json(text: str, label: str, say: Callable[[str], object] = warnings.warn) -> Architecture:
    """Load the architecture of a ``config.json`` or of a solved answer.

    Raises
    ------
    ModelsizerError
        If the text is not a JSON object, or neither of the two.
    """
    return _said(label, lambda: _of_text(text, label)).architecture(say)


def _label(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else shortened(source, _LONGEST_NAME)


def _said(source: str, read: Callable[[], Source]) -> Source:
    """What is read from a source, whose name goes before every error."""
    try:
        return read()
    except (UnreadableError, SourceError) as error:
        raise SourceError(f"{_label(source)}: {error}") from None


def _of_path(path: Path, label: str) -> Source:
    """Read a file, or the one of a folder that describes its model."""
    if path.is_dir():
        path = folders.described_by(path)
    if folders.is_gguf(path) or path.suffix.lower() == folders.GGUF:
        return _of_gguf(path, label)
    if path.suffix.lower() in folders.WEIGHTS:
        config = path.with_name(folders.CONFIG)
        if not exists(config):
            raise SourceError(f"is a file of weights without {folders.CONFIG} beside it")
        path = config
    return _of_text(read_text(path), label, path)


def _of_gguf(path: Path, label: str) -> Source:
    from modelsizer.problems.architecture.checkpoints import (
        gguf_config,
        gguf_file,
        gguf_model,
        gguf_weights,
    )

    model = gguf_model.model_of(gguf_file.read_header(folders.shards(path)))
    config, held = gguf_config.configuration(model), gguf_weights.checkpoint(model)
    return Source(label, config, path, held)


def _of_text(text: str, label: str, path: Path | None = None) -> Source:
    try:
        content = plain_values.from_json(text)
    except ValueError as error:
        if path is not None and path.suffix == _PROBLEM:
            raise SourceError(
                "is no model or answer; if it is a problem, `modelsizer solve` with --export "
                "hf:config.json writes its design, and with --json answer.json its answer"
            ) from None
        raise SourceError(str(error)) from None
    if not isinstance(content, Mapping):
        raise SourceError("not a JSON object")
    if native.is_native(content):
        content = native.native_config(content)
    if path is not None and path.name == folders.CONFIG:
        content = _with_quantisation(content, path.with_name(folders.QUANTISATION))
    return Source(label, content, path)


def _with_quantisation(config: Mapping[str, Any], beside: Path) -> Mapping[str, Any]:
    """A configuration with the quantisation that the file beside it has, if it has none itself."""
    parts = [config, *(value for value in config.values() if isinstance(value, Mapping))]
    if any(part.get(key) for part in parts for key in QUANTISED) or not exists(beside):
        return config
    try:
        values = plain_values.from_json(read_text(beside))
    except (UnreadableError, ValueError) as error:
        raise SourceError(f"{folders.QUANTISATION} beside it: {error}") from None
    return {**config, QUANTISED[0]: values}
