"""Weights on disk: a `.pth` that EasyOCR loads, and beside it a card (`.json`) that says what they are.

Training well and reading nonsense is what happens when weights meet another character set or another network. So
nobody writes either down a second time: both are read from the card, which names its `.pth` by SHA-256.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from torch import nn

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import replacing, write_json
from train_easyocr.documents.page_sums import unpack_sums
from train_easyocr.weights.character_rows import CharacterFit, fit_characters

PREFIX = "module."
"""Before every key of a `.pth`, as torch's DataParallel writes it; EasyOCR cuts these seven characters off unseen."""
HEAD = "Prediction."
"""Before every key of the last layer, whose shape follows from the characters."""


class Card(BaseModel):
    """What the cards of all weights have.

    Attributes:
        weights_sha256: Of the `.pth`, in hexadecimal, which `save_weights` fills in.
        trained_on: The sums of the pages that the weights have learnt from, those of the weights that they began with
            among them, as far as data sets say (`page_sums.pack`): a score on these pages would be none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights_sha256: str = ""
    trained_on: str = ""

    @field_validator("trained_on")
    @classmethod
    def _is_packed(cls, value: str) -> str:
        unpack_sums(value)
        return value


AnyCard = TypeVar("AnyCard", bound=Card)


class Scores(BaseModel):
    """What the weights reached in validation: accuracy in per cent, normalized edit distance (0 to 1), on how much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float = Field(ge=0, le=100)
    norm_ed: float = Field(ge=0, le=1)
    words: int = Field(ge=0)


class WeightsCard(Card):
    """What is needed to read with a `.pth`, and where it comes from.

    Attributes:
        character: The characters themselves, in the order of the classes.
        network: The arguments of `network.Model`, and Prediction (CTC or Attn).
        rgb: Whether images are RGB.
        PAD: Whether words keep their proportions, as EasyOCR reads.
        sensitive: Whether upper and lower case are told apart.
        img_height: Of the images in pixels.
        img_width: Of the images in pixels, at most.
        iteration: Of the training.
        averaged: Whether these are the running average of the weights up to that iteration.
        validation: The scores at that iteration.
        validation_sets: Folders of the validation sets, which an installer checks the weights on.
        experiment_name: The training's name.
        config: All settings of the training.
    """

    character: str = Field(min_length=1)
    network: dict[str, Any]
    rgb: bool
    PAD: bool
    sensitive: bool
    img_height: int
    img_width: int
    iteration: int
    averaged: bool = False
    validation: Scores
    validation_sets: list[str]
    experiment_name: str
    config: dict[str, Any]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> WeightsCard:
        reserved = {"CTC": 1, "Attn": 2}.get(self.network.get("Prediction", ""))
        if reserved is None:
            raise ValueError(f"network: Prediction is neither CTC nor Attn: {self.network.get('Prediction')!r}")
        expected = {
            "num_class": len(self.character) + reserved,
            "input_channel": 3 if self.rgb else 1,
            "img_height": self.img_height,
            "img_width": self.img_width,
        }
        for name, value in expected.items():
            if self.network.get(name) != value:
                raise ValueError(f"network: {name} is {self.network.get(name)!r}, the rest of the card says {value}")
        return self


def installation_faults(*, Prediction: str, rgb: bool, PAD: bool) -> list[str]:  # noqa: N803 - settings' names
    """Return why EasyOCR can't read with weights that were trained with these settings, whatever the weights are."""
    faults = {
        f"Prediction: {Prediction}, but EasyOCR decodes CTC only; train with Prediction: CTC": Prediction != "CTC",
        "rgb: True, but EasyOCR reads grey; train with rgb: False and input_channel: 1": rgb,
        "PAD: False, but EasyOCR keeps words' proportions; train with PAD: True": not PAD,
    }
    return [fault for fault, is_so in faults.items() if is_so]


@dataclass(frozen=True)
class LoadReport:
    """What became of a model's and a file's weights, by key.

    Attributes:
        kept: Loaded.
        missing: In the model, not in the file; fresh.
        unexpected: In the file, not in the model.
        mismatched: Of another shape in the file: key, shape there, shape in the model; fresh.
        new_prediction: The model's last layer where it was left fresh on demand.
        fit: What became of the characters, where the last layer was refitted to another set.
    """

    kept: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    new_prediction: tuple[str, ...] = ()
    fit: CharacterFit | None = None

    @property
    def whole(self) -> bool:
        """Whether all went where it belongs, but for a last layer left fresh on demand."""
        return not (self.missing or self.unexpected or self.mismatched)

    def describe(self) -> str:
        """Lines that say what was loaded and, by key, what was not."""
        lines = [f"{len(self.kept)} weights loaded"]
        lines += [self.fit.describe()] if self.fit else []
        lines += _listed("left fresh, as new_prediction asks", self.new_prediction)
        lines += _listed("not in the file, left fresh", self.missing)
        shapes = [f"{key} ({_shape(there)} in the file, {_shape(here)} here)" for key, there, here in self.mismatched]
        lines += _listed("of another shape, left fresh", shapes)
        lines += _listed("in the file alone, not used", self.unexpected)
        return "\n".join(lines)


def _listed(title: str, keys: Iterable[str]) -> list[str]:
    keys = list(keys)
    return [f"{len(keys)} {title}:", *(f"  {key}" for key in keys)] if keys else []


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def card_path(path: Path) -> Path:
    """The card's place beside a `.pth`."""
    return path.with_suffix(".json")


def save_weights(path: Path, model: nn.Module, card: AnyCard, dtype: torch.dtype = torch.float32) -> AnyCard:
    """Write a model's weights and their card, so that half of the pair is never taken for both.

    The same weights give the same bytes.

    Args:
        path: The `.pth`: a plain dict, keys with `module.` before them, floating-point values in `dtype`, on the CPU.
        model: Wrapped in DataParallel or not.
        card: What to write beside it.
        dtype: float16 halves the file; loading turns it into float32 again.

    Returns:
        The card as written, with the file's SHA-256.

    Raises:
        WeightsError: A weight is not finite. Nothing is written then, and what was there before stays.
    """
    state = {PREFIX + key.removeprefix(PREFIX): _plain(value, dtype) for key, value in model.state_dict().items()}
    _refuse_not_finite(path, state, "not saved")
    # Through memory: written straight to a file, the archive would hold the file's temporary name.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    card = card.model_copy(update={"weights_sha256": hashlib.sha256(content).hexdigest()})
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        card_path(path).unlink(missing_ok=True)  # only now: a full disk leaves the previous pair as it was
    write_json(card_path(path), card.model_dump())
    return card


def _plain(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    dtype = dtype if value.is_floating_point() else value.dtype
    # A view would bring all of the storage that it looks into to disk.
    return value.detach().to("cpu", dtype).clone(memory_format=torch.contiguous_format)


def _refuse_not_finite(path: Path, state: Mapping[str, torch.Tensor], consequence: str) -> None:
    faulty = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if faulty:
        raise WeightsError(f"{path}: {consequence}: not finite: {', '.join(faulty)}")


def read_card(path: Path) -> WeightsCard:
    """Read the card of a recognizer's weights and check that it belongs to them; see `read_card_of`."""
    return read_card_of(WeightsCard, path)


def read_card_of(kind: type[AnyCard], path: Path) -> AnyCard:
    """Read the card of weights and check that it belongs to them.

    Args:
        kind: Which card is expected.
        path: The `.pth`.

    Raises:
        WeightsError: Weights or card are missing, the card is not one, or it belongs to other weights.
    """
    card_file = card_path(path)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        card = kind.model_validate(json.loads(card_file.read_text(encoding="utf-8")))
    except OSError as error:
        raise WeightsError(f"{error.filename}: can't be read ({error.strerror}); weights and card are a pair") from None
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(filter(None, [".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")]))
            for fault in error.errors()
        )
        raise WeightsError(f"{card_file}: is not a card of weights: {faults}") from None
    except ValueError as error:
        raise WeightsError(f"{card_file}: is not JSON: {error}") from None
    if found != card.weights_sha256:
        raise WeightsError(
            f"{card_file}: belongs to other weights: it names SHA-256 {card.weights_sha256}, {path.name} has {found}"
        )
    return card


def trained_on(weights: Path) -> frozenset[str]:
    """Return the sums of the pages that weights of any kind have learnt from; none where no card says so."""
    try:
        return unpack_sums(json.loads(card_path(weights).read_bytes())["trained_on"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def best_weights(experiment: Path) -> Path:
    """Return which of an experiment's weights read its validation words best: the weights, or their running average."""
    weights, average = experiment / "best_accuracy.pth", experiment / "best_accuracy_ema.pth"
    try:
        better = read_card(average).validation.accuracy > read_card(weights).validation.accuracy
    except WeightsError:
        better = False  # there is no average, or what is wrong with the weights is said where they are used
    return average if better else weights


def best_detector(experiment: Path) -> Path:
    """Return an experiment's weights that find most words of its validation pages."""
    return experiment / "best_f1.pth"


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict, EasyOCR's own files and other trainers' included, without running code that it may hold.

    Args:
        path: Keys may start with `module.` or not.

    Returns:
        Tensors on the CPU by key, `module.` cut off.

    Raises:
        WeightsError: The file is missing, is no checkpoint, holds something else than tensors by name, or weights
            that are not finite.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on old formats
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: can't be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a broken or hostile file makes of the unpickling
        reason = str(error).strip().split("\n")[0]
        raise WeightsError(f"{path}: is not a file of weights: {type(error).__name__}: {reason}") from None
    state = _tensors(path, content)
    _refuse_not_finite(path, state, "can't be used")
    return state


def _tensors(path: Path, content: object) -> dict[str, torch.Tensor]:
    expected = "tensors by name are expected (a state dict)"
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path}: holds {type(content).__name__}; {expected}")
    others = [key for key, value in content.items() if not (isinstance(key, str) and isinstance(value, torch.Tensor))]
    if others or not content:
        what = f"{', '.join(map(repr, others[:5]))} among other things" if others else "nothing"
        raise WeightsError(f"{path}: holds {what}; {expected}")
    return {key.removeprefix(PREFIX): value for key, value in content.items()}


def load_pretrained(
    model: nn.Module,
    path: Path,
    strict: bool = True,
    new_prediction: bool = False,
    characters: tuple[str, str] | None = None,
) -> LoadReport:
    """Start a model from weights in a file.

    Args:
        model: Not wrapped; changed in place, on the device where it is.
        path: Any state dict that `read_weights` reads.
        strict: Refuse whatever does not fit to the last key.
        new_prediction: Leave the last layer as it is, whatever the file holds.
        characters: The characters of the file and of the model, where both have a CTC head: the last layer is refitted
            (`fitting.fit_characters`) when they differ.

    Returns:
        What was loaded and what was not.

    Raises:
        WeightsError: The file can't be used; or, with `strict`, some weights don't fit. The model is unchanged then.
    """
    state, own = read_weights(path), model.state_dict()
    fit = None if new_prediction or characters is None else _fit_head(path, state, *characters)
    report = dataclasses.replace(_compare(state, own, new_prediction), fit=fit)
    if not report.kept or (strict and not report.whole):
        advice = "; strict=False takes what fits, new_prediction=True all but the last layer" if report.kept else ""
        raise WeightsError(f"{path}: does not fit the network{advice}\n{report.describe()}")
    model.load_state_dict({key: state[key] for key in report.kept}, strict=False)
    return report


def _fit_head(path: Path, state: dict[str, torch.Tensor], old: str, new: str) -> CharacterFit | None:
    """Refit the CTC head within `state`, where the characters differ and there is one."""
    keys = (f"{HEAD}weight", f"{HEAD}bias")
    if old == new or any(key not in state for key in keys):
        return None
    try:
        state[keys[0]], state[keys[1]], fit = fit_characters(state[keys[0]], state[keys[1]], old, new)
    except ValueError as error:
        raise WeightsError(f"{path}: its last layer is not that of its characters: {error}") from None
    return fit


def _compare(there: dict[str, torch.Tensor], here: dict[str, torch.Tensor], new_prediction: bool) -> LoadReport:
    """Sort the weights of a file and of a model by what can become of them."""
    fresh = tuple(key for key in here if new_prediction and key.startswith(HEAD))
    offered = {key: value.shape for key, value in there.items() if not (new_prediction and key.startswith(HEAD))}
    common = [key for key in offered if key in here]
    return LoadReport(
        kept=tuple(key for key in common if offered[key] == here[key].shape),
        # Files of torch before 0.4.1 don't count batches; nothing here depends on the count.
        missing=tuple(
            key for key in here if key not in offered and key not in fresh and not key.endswith("num_batches_tracked")
        ),
        unexpected=tuple(key for key in offered if key not in here),
        mismatched=tuple(
            (key, tuple(offered[key]), tuple(here[key].shape)) for key in common if offered[key] != here[key].shape
        ),
        new_prediction=fresh,
    )
