"""Whether a package reads here what it read where it was made.

    python3 -m train_easyocr.delivery.selftest PACKAGE

Exit status: 0 it does; 1 it does not, or its files are not those that were made.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command
from train_easyocr.common.errors import UserError
from train_easyocr.reading.onnx_engine import OnnxEngine
from train_easyocr.reading.pipeline import read_page
from train_easyocr.reading.sources import SourcePage, load_page

PAGE, EXPECTED = Path("selftest.png"), Path("selftest.txt")
LEAST = 0.99
"""Share of words that must be the same: another processor rounds otherwise, and a letter changes now and then."""


def words_of_page(package: Path) -> list[str]:
    """Read a package's page; return its words in reading order."""
    engine = OnnxEngine(package / "model", threads=1)
    return [word.text for word in read_page(engine, SourcePage(1, *load_page(package / PAGE))).words]


@command("selftest")
def main(arguments: Sequence[str] | None = None) -> int:
    """Read the page and compare; return the exit status."""
    parser = CommandParser(prog="python3 -m train_easyocr.delivery.selftest", description="Try a package.")
    parser.add_argument("package", type=Path, metavar="PACKAGE", help="its folder")
    package = parser.parse_args(arguments).package
    expected = (package / EXPECTED).read_text(encoding="utf-8").splitlines()
    found = words_of_page(package)
    same = sum(block.size for block in SequenceMatcher(None, expected, found, autojunk=False).get_matching_blocks())
    if same < LEAST * max(len(expected), len(found)):
        raise UserError(
            f"{same} of {len(expected)} words are read as where the package was made; it can't be used here"
        )
    print(f"selftest: {same} of {len(expected)} words are read as where the package was made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
