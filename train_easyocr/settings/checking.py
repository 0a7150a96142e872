"""Settings read from YAML, overridden by `key=value`, and checked as a whole before anything loads."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import write_text

CONFIG_FILES = Path(__file__).parents[1] / "config_files"
SPELLINGS = {"freeze_FeatureFxtraction": "freeze_FeatureExtraction"}
"""Keys as the published configuration misspells them, and what they mean."""

Settings = TypeVar("Settings", bound="CheckedSettings")


class Gone(NamedTuple):
    """A setting that there was.

    Attributes:
        today: The value by which today's version goes: files that hold it go on being read.
        fate: What became of all others.
    """

    today: Any
    fate: str


class CheckedSettings(BaseModel):
    """Settings by key: unknown keys, infinite numbers, and switches in the place of numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    gone: ClassVar[Mapping[str, Gone]] = {}

    @classmethod
    def without_gone(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that a training ran by without those that are gone: its weights are what they are."""
        return {key: value for key, value in values.items() if key not in cls.gone}

    @classmethod
    def missed(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Return which settings ask for something that is gone, and what became of it."""
        return {
            key: f"this setting is gone: {gone.fate}"
            for key, gone in cls.gone.items()
            if key in values and yaml.safe_load(str(values[key])) != gone.today
        }

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads `on` and `yes` as True, which is the number 1: a single trial, a loss twenty times too heavy.
        # `off` is 0, and means it.
        if value is True and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError("should be a number; on, yes and true say not how much")
        return value


def load_settings(
    kind: type[Settings],
    check: Callable[[dict[str, Any], Iterable[str]], Settings],
    path: Path,
    overrides: Iterable[str] = (),
) -> Settings:
    """Read settings of any kind from a YAML file, apply `key=value` overrides, and check the whole.

    Args:
        kind: A frozen model whose settings all have defaults.
        check: Makes settings of values by key, and reports what is wrong with them beside what is known to be.
        path: The YAML file. Keys that it does not name have their default values.
        overrides: Settings as given on a command line, such as `lr=0.5` or `select_data=A-B`; values are read as YAML.

    Raises:
        UsageError: The file can't be read, or anything in it or in the overrides is wrong; all of it is reported.
    """
    faults: list[str] = []
    values = _read_yaml(path)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            faults.append(f"{override!r}: a setting is given as key=value")
            continue
        key = SPELLINGS.get(key, key)
        if key in ("adam", "optimizer"):  # the same setting in two words; the later one counts
            values.pop("adam", None)
            values.pop("optimizer", None)
        values[key] = value if _is_text(kind, key) else yaml.safe_load(value)
    return check(values, faults)


def _is_text(kind: type[BaseModel], key: str) -> bool:
    # Texts are taken as they stand, since paths and characters may hold what YAML gives a meaning to.
    if key == "adam":
        return False
    field = kind.model_fields.get(key)
    return field is None or field.annotation not in (bool, int, float)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: can't be read as YAML: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: holds {type(content).__name__} where `key: value` lines are expected")
    return {SPELLINGS.get(str(key), str(key)): value for key, value in content.items()}


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; a setting given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(repeated)}: given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def check_settings(
    kind: type[Settings],
    contradictions: Callable[[Settings], list[str]],
    values: dict[str, Any],
    faults: Iterable[str] = (),
) -> Settings:
    """Build settings, or report unknown keys, wrong types and contradictions together.

    A setting that is gone may be there with the value by which today's version goes, as files of before list them all.

    Args:
        kind: As for `load_settings`.
        contradictions: Says what is wrong among values that are right each for itself.
        values: Settings by key; those not named have their default values.
        faults: What is already known to be wrong, to be reported with the rest.

    Raises:
        UsageError: Anything is wrong.
    """
    missed = kind.missed(values).items()
    found = [*faults, *(f"{key}: {values[key]}: {fate}; take the line out" for key, fate in missed)]
    values = kind.without_gone(values)
    try:
        config = kind.model_validate(values)
    except ValidationError as error:
        found += [_describe(kind, fault) for fault in error.errors()]
        sound = {
            key: value for key, value in values.items() if key not in {fault["loc"][0] for fault in error.errors()}
        }
        # Contradictions among the sound keys are worth knowing in the same run.
        config = kind.model_validate(sound)
    found += contradictions(config)
    if found:
        raise UsageError("the configuration can't be used:\n" + "\n".join(f"  - {fault}" for fault in found))
    return config


def _describe(kind: type[BaseModel], fault: Any) -> str:
    key = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, kind.model_fields, n=1, cutoff=0.5)
        return f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, not {fault['input']!r}"


def save_config(config: BaseModel, path: Path) -> None:
    """Write all settings as YAML, in the order of their kind."""
    write_text(path, yaml.safe_dump(config.model_dump(), allow_unicode=True, sort_keys=False, width=1_000_000))
