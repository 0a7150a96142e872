"""Words on demand: rendered word patches in the form that step 2 writes and step 3 trains from.

    python3 -m train_easyocr.synthesis.words --output training/rare --count 20000 --characters "뺨쨌꿩" --format lmdb

Writes the set into the folder --output: labels.csv with lmdb/ or images/. With --validation_share, --output gets
`training_and_validation_set/{training,validation}/select_data`, which `train_easyocr.train output=...` takes as it is.

Word i depends on the seed, i, the faces and the characters alone: not on the number of words or of workers. A run that
was killed goes on where it stopped; one that is done already does nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train_easyocr.common.command_line import CommandParser, command, share, whole_number
from train_easyocr.common.errors import UsageError
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import available_cores
from train_easyocr.synthesis.rendered_words import Recipe, as_often, read_wanted, unified
from train_easyocr.synthesis.word_sets import SetTask, make_set
from train_easyocr.weights.characters import CharacterSet


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python3 -m train_easyocr.synthesis.words",
        description="Render patches of single words, every character about equally often, in step 2's form.",
    )
    parser.add_argument("--output", type=Path, required=True, help="the set's folder, or the folder of two sets")
    parser.add_argument(
        "--count", type=whole_number(1, 999_999_999), required=True, help="words, of both sets together"
    )
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--characters",
        metavar="TEXT",
        help="only words around these characters; what stands here twice is wanted twice as often",
    )
    wanted.add_argument("--from_report", type=Path, metavar="FILE",
                        help="likewise: the weak characters of a report (weak_characters.json), weaker ones more "
                        "often, or of a text file")  # fmt: skip
    parser.add_argument("--character_set", default="korean_documents", metavar="SET",
                        help="what may be written, as the setting `character` (default: korean_documents)")  # fmt: skip
    parser.add_argument("--corpus", type=Path, metavar="FILE",
                        help="UTF-8 text whose words are rendered in place of the package's")  # fmt: skip
    parser.add_argument("--format", choices=("png", "lmdb"), default="lmdb",
                        help="files, or one data base (default)")  # fmt: skip
    parser.add_argument("--look", choices=("clean", "scanned", "bilevel", "mixed"), default="mixed",
                        help="good print, spoilt print, black and white as AI-Hub's scans, or half of it that and the "
                        "rest one to three (default: mixed)")  # fmt: skip
    parser.add_argument("--faces", choices=("starter", "sample", "unseen", "all"), default="all",
                        help="families that the starter weights learn, those of the sample documents, families that "
                        "neither knows, or all (default)")  # fmt: skip
    parser.add_argument("--fonts", type=Path, metavar="DIR",
                        help="take the faces in this folder (default: those that fontconfig knows)")  # fmt: skip
    parser.add_argument("--validation_share", type=share, metavar="SHARE",
                        help="write two sets, the last words for validation")  # fmt: skip
    parser.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=1111,
                        help="the same seed gives the same words (default: 1111)")  # fmt: skip
    parser.add_argument("--workers", type=whole_number(1, 1024), default=available_cores(),
                        help="processes; changes nothing in the result (default: all cores)")  # fmt: skip
    return parser.parse_args(arguments)


def jobs_of(args: argparse.Namespace) -> list[SetTask]:
    """The sets that a command line asks for."""
    if args.validation_share is None:
        return [SetTask(args.output, 0, args.count, args.format)]
    held = round(args.count * args.validation_share)
    if not 0 < held < args.count:
        raise UsageError(
            f"{args.count} words and a validation share of {float(args.validation_share):g} leave one set empty"
        )
    folder = args.output / "training_and_validation_set"
    return [
        SetTask(folder / "training" / "select_data", 0, args.count - held, args.format),
        SetTask(folder / "validation" / "select_data", args.count - held, held, args.format),
    ]


def recipe_of(args: argparse.Namespace) -> Recipe:
    """What a command line asks to render."""
    wanted = None
    if args.characters is not None:
        wanted = as_often(args.characters)
    elif args.from_report is not None:
        wanted = read_wanted(args.from_report)
    return Recipe(
        seed=args.seed,
        look=args.look,
        characters=unified(CharacterSet.from_setting(args.character_set).characters),
        faces=args.faces,
        fonts=None if args.fonts is None else str(args.fonts.resolve()),
        corpus=None if args.corpus is None else str(args.corpus.resolve()),
        wanted=wanted,
    )


def format_summary(manifest: Mapping[str, Any], target: Path) -> str:
    """What was rendered, as a table."""
    counts = manifest["summary"]["characters"]
    syllables = {c: n for c, n in counts.items() if "가" <= c <= "힣"}
    rarest = sorted(counts, key=lambda character: (counts[character], character))[:10]
    rows: list[tuple[str, object]] = [
        ("Words", manifest["count"]),
        ("Characters a word", manifest["summary"]["mean_length"]),
        ("Different characters", len(counts)),
        ("Hangul syllables among them", len(syllables)),
        ("The rarest occurs", counts[rarest[0]]),
        ("Faces", len(manifest["settings"]["faces"])),
    ]
    return f"{format_table((str(target), 'Number'), rows)}\nRarest: {' '.join(f'{c} {counts[c]}' for c in rarest)}"


@command("synthesis.words")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(arguments)
    jobs = jobs_of(args)
    words, settings = recipe_of(args).prepare()
    for job in jobs:
        print(format_summary(make_set(job, words, settings, args.workers), job.target))


if __name__ == "__main__":
    sys.exit(main())
