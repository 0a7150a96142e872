"""What every benchmark reports: a row a work, printed as one table, and collected over several processes.

    BENCHMARK_RESULTS=rows.jsonl python3 -m benchmarks.metric     # prints its table, adds its rows to the file
    python3 -m benchmarks.results rows.jsonl                       # prints all rows of the file as one table

`benchmarks/run.sh` does both for all benchmarks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from train_easyocr.common.text import format_table

RESULTS_VARIABLE = "BENCHMARK_RESULTS"
"""The environment variable that names the file that rows are added to."""
NOT_MEASURED = "not measured"
HEADER = ("work", "unit", "plain", "ours", "ratio", "floor", "memory MiB", "note")


@dataclass(frozen=True, slots=True)
class Row:
    """One work, done in the plain way and in ours, in one run on the same data.

    Attributes:
        work: What is done, by what, on what.
        plain: The plain way's figure; None where there is none to compare with.
        ours: Our figure; None where it was not measured, as on a GPU that is not there.
        unit: Of `plain`, `ours` and `floor`. A rate ends with `/s`, and more of it is better; of all else (seconds,
            ms a word) less is better.
        floor: The figure that the machine allows at best, in the same unit; None where it is not known.
        memory_mib: What our way holds at its peak, in MiB, as `note` says where that needs saying.
        note: What the reader must know, in a few words.
    """

    work: str
    plain: float | None
    ours: float | None
    unit: str
    floor: float | None = None
    memory_mib: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as fast ours is as the plain way; None where one of them is not known."""
        if not self.plain or not self.ours:
            return None
        return self.ours / self.plain if self.unit.endswith("/s") else self.plain / self.ours

    def cells(self) -> tuple[str, ...]:
        """Return what the table shows, in the order of `HEADER`."""
        ratio = "" if self.ratio is None else f"{self.ratio:.1f}"
        ours = NOT_MEASURED if self.ours is None else _shown(self.ours)
        memory = "" if self.memory_mib is None else f"{self.memory_mib:,.0f}"
        return self.work, self.unit, _shown(self.plain), ours, ratio, _shown(self.floor), memory, self.note


def _shown(value: float | None) -> str:
    """Return a figure with three digits that count, or nothing."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(rows: Iterable[Row]) -> str:
    """Lay out rows for a terminal."""
    return format_table(HEADER, [row.cells() for row in rows])


def report(rows: Sequence[Row]) -> None:
    """Print rows as a table, and add them as JSON lines to the file that `BENCHMARK_RESULTS` names, if it does.

    Raises:
        OSError: That file can't be written.
    """
    print(table(rows), flush=True)
    if file := os.environ.get(RESULTS_VARIABLE):
        with Path(file).open("a", encoding="utf-8") as collected:
            collected.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def read_rows(path: Path) -> list[Row]:
    """Return the rows that `report` has added to a file, in their order; none where there is no file."""
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def machine() -> str:
    """Describe the machine in a line: processor, cores, memory, system, load."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else platform.processor() or "unknown processor"


def main() -> None:
    """Print the rows of a file as one table, and the machine that they come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="JSON lines, as benchmarks add them")
    print(f"{table(read_rows(parser.parse_args().file))}\n\n{machine()}")


if __name__ == "__main__":
    main()
