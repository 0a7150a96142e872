"""Make networks smaller: prune them, quantise them, and hold what came out beside what there was.

    python3 -m train_easyocr.compress prune --network recognizer --target_macs 0.5 --name small [key=value ...]
    python3 -m train_easyocr.compress quantize --bundle small --output small_int8 --method ptq-percentile
    python3 -m train_easyocr.compress report --variants starter small small_int8 --eval_set DIR --output compared

Pruning measures each layer on validation data, takes the filters out that can be spared, and trains again. Stopped or
killed, the same command goes on where it was. The result is an experiment like any other: step 4 installs it, export
and package take it by its name (`--bundle small`). Quantising writes a folder as export does, in int8; layers that
would read otherwise stay in float32, and are named. A report holds bundles and exports beside the first of them: size,
multiplications, speed, words right by kind, end-to-end F1.

Exit status: 0 done; 1 it can't be made so small, or data are not there; 2 the command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from train_easyocr.common.command_line import (
    CommandParser,
    command,
    minutes_of,
    share,
    whole_number,
    write_lines_at_once,
)
from train_easyocr.common.errors import UsageError
from train_easyocr.common.text import format_table
from train_easyocr.detection.config import DEFAULT_CONFIG as DETECTION_CONFIG
from train_easyocr.detection.config import DetectionConfig, load_detection_config
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, load_config
from train_easyocr.weights.bundle import Bundle, open_bundle
from train_easyocr.weights.starter import STARTER

if TYPE_CHECKING:
    from train_easyocr.compression.pruning import Pruned

OPTIONS = {
    "prune": ("network", "target_macs", "target_parameters", "criterion", "multiple", "words", "pages", "name",
              "cut_only", "teacher", "minutes"),
    "quantize": ("network", "output", "method", "name", "minutes"),
    "report": ("output", "variants", "eval_set", "refuse_if_worse"),
}  # fmt: skip
"""What each of the commands takes beside --bundle, --config and settings."""
QAT: Final = "qat-pact"
Method = Literal["ptq-minmax", "ptq-percentile", "ptq-kl", "qat-pact"]
METHODS: tuple[Method, ...] = get_args(Method)


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python3 -m train_easyocr.compress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=OPTIONS)
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings in place of the file's")
    parser.add_argument("--bundle", metavar="NAME", default=STARTER, help="what is made smaller (default: %(default)s)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings; default: config.yaml, and "
                        "detection.yaml for a detector")  # fmt: skip
    both = parser.add_argument_group("prune, quantize")
    both.add_argument("--network", choices=("recognizer", "detector"), help="prune: which part of the bundle; "
                      "quantize: recognizer leaves the detector in float32 (default: both are made int8)")  # fmt: skip
    _add_prune(parser.add_argument_group("prune"))
    _add_quantize(parser.add_argument_group("quantize"))
    _add_report(parser.add_argument_group("report"))
    files = parser.add_argument_group("quantize, report")
    files.add_argument("--output", type=Path, metavar="DIR", help="a folder for the files")
    training = parser.add_argument_group("prune, and quantize --method qat-pact")
    training.add_argument("--name", help="of the experiment (default: the bundle's name and _pruned or _int8)")
    training.add_argument("--minutes", type=minutes_of, metavar="N", help="stop training after this time; run again "
                          "to go on")  # fmt: skip
    args = parser.parse_intermixed_args(arguments)
    others = {name for names in OPTIONS.values() for name in names} - set(OPTIONS[args.what])
    if wrong := sorted(name for name in others if getattr(args, name) is not None):
        raise UsageError(f"{', '.join(f'--{name}' for name in wrong)}: {args.what} takes no such option")
    return args


def _add_prune(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--target_macs", type=share, metavar="SHARE", help="what may be left of the convolutions' multiplications")
    add("--target_parameters", type=share, metavar="SHARE", help="or of all parameters")
    add("--criterion", choices=("fpgm", "l1"), help="filters nearest to the others' median go first (default), or "
        "those of the smallest weights")  # fmt: skip
    add("--multiple", type=whole_number(1, 64), metavar="N", help="channels are multiples of it (default: 16)")
    add("--words", type=whole_number(20, 100_000), metavar="N", help="validation words that layers are measured on "
        "(default: 500)")  # fmt: skip
    add("--pages", type=whole_number(1, 10_000), metavar="N", help="likewise, validation pages (default: 6)")
    add("--cut_only", action="store_true", default=None, help="don't train again")
    add("--teacher", action="store_true", default=None, help="learn the unpruned network's answers, too")


def _add_quantize(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--method", choices=METHODS, help="how ranges are found: by the least and greatest values that "
                       "examples cause (default), by all but the rarest, by the least loss of information, or in "
                       "training")  # fmt: skip


def _add_report(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--variants", nargs="+", metavar="NAME", help="bundles and folders of exports, held against the first")
    add("--eval_set", type=Path, metavar="DIR", help="labelled pages to read")
    add("--refuse_if_worse", action="store_true", default=None, help="end with status 1 where one reads worse")


@command("compress")
def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    args = parse_args(arguments)
    write_lines_at_once()
    {"prune": _prune, "quantize": _quantize, "report": _report}[args.what](args)


def _settings(args: argparse.Namespace, *, of_detector: bool) -> Config | DetectionConfig:
    if of_detector:
        return load_detection_config(args.config or DETECTION_CONFIG, args.settings)
    return load_config(args.config or DEFAULT_CONFIG, args.settings)


def _named(args: argparse.Namespace, bundle: Bundle, ending: str) -> str:
    name = args.name or f"{Path(bundle.name).stem}_{ending}"
    if Path(name).name != name:
        raise UsageError(f"--name {name}: is no name of an experiment")
    return str(name)


def _prune(args: argparse.Namespace) -> None:
    if args.network is None:
        raise UsageError("prune: --network says which part of the bundle: recognizer or detector")
    if (args.target_macs is None) == (args.target_parameters is None):
        raise UsageError("prune: one of --target_macs and --target_parameters says how much may be left")
    config = _settings(args, of_detector=args.network == "detector")
    bundle = open_bundle(args.bundle, Path(config.saved_models), "--bundle")
    folder = Path(config.saved_models) / _named(args, bundle, "pruned")
    weights = bundle.part(args.network, "--bundle")
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.compression import pruning, subjects  # noqa: PLC0415

    if isinstance(config, DetectionConfig):
        subject = subjects.detector(weights, config, args.pages or 6)
    else:
        subject = subjects.recognizer(weights, config, args.words or 500)
    wanted = pruning.Wanted(
        float(args.target_macs or args.target_parameters),
        "macs" if args.target_macs else "parameters",
        args.criterion or "fpgm",
        args.multiple or 16,
    )
    done = pruning.prune(subject, wanted, folder)
    print(table(done))
    print(f"{done.weights}\n{folder / pruning.CURVES}")
    if not args.cut_only:
        pruning.retrain(done.weights, config, args.minutes, subject.weights if args.teacher else None)


def _quantize(args: argparse.Namespace) -> None:
    if args.output is None:
        raise UsageError("quantize: --output names the folder for the files")
    method: Method = args.method or METHODS[0]
    if method != QAT and (args.name or args.minutes):
        raise UsageError(f"--name, --minutes: {method} trains nothing")
    if args.network == "detector":
        raise UsageError("quantize: --network recognizer leaves the detector in float32; without it both are made int8")
    config = load_config(args.config or DEFAULT_CONFIG, args.settings)
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.compression.quantizing import quantize  # noqa: PLC0415
    from train_easyocr.onnx_export.export import summary  # noqa: PLC0415

    bundle = open_bundle(args.bundle, Path(config.saved_models), "--bundle")
    name = _named(args, bundle, "int8")
    done = quantize(
        bundle.name, method, args.output, config, name=name, minutes=args.minutes, detector=args.network is None
    )
    print(summary(done, args.output))


def _report(args: argparse.Namespace) -> None:
    if args.output is None or args.eval_set is None or len(args.variants or ()) < 2:
        raise UsageError("report: --variants (two or more), --eval_set and --output say what is compared, on what, and "
                         "where the report goes")  # fmt: skip
    if len({Path(name).name for name in args.variants}) < len(args.variants):
        raise UsageError("--variants: two have the same name; rename a folder")
    config = load_config(args.config or DEFAULT_CONFIG, args.settings)
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.compression import report  # noqa: PLC0415

    variants = [report.open_variant(name, Path(config.saved_models)) for name in args.variants]
    variants = report.with_known_costs(variants)
    tree = report.compare_variants(variants, args.eval_set, args.output)
    report.write(tree, variants, args.output)
    print(report.variants_table(tree))
    print(args.output / report.HTML_NAME)
    if args.refuse_if_worse:
        report.refuse_worse_variants(tree)


def table(done: Pruned) -> str:
    """Return what became of the network, as a table."""
    rows: list[list[Any]] = [[layer, f"{before:,}", f"{after:,}"] for layer, (before, after) in done.channels.items()]
    rows.append(["multiplications of convolutions, millions", *(f"{value / 1e6:,.1f}" for value in done.macs)])
    rows.append(["parameters", *(f"{value:,}" for value in done.parameters)])
    rows.append(["right on validation data, not yet trained again", *(f"{value:.2%}" for value in done.quality)])
    rows.append(["a layer alone may lose", "", f"{done.tolerated:.2%}"])
    return format_table(["", "before", "after"], rows)


if __name__ == "__main__":
    sys.exit(main())
