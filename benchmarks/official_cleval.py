"""Time of the official CLEval package, run by the Python of an environment that has it; not by ours.

    python3 -m venv /tmp/cleval && /tmp/cleval/bin/pip install cleval opencv-python-headless
    python3 -m benchmarks.metric --official /tmp/cleval/bin/python

Prints JSON: CPU seconds for all pages of two ZIP files (labels, predictions), and the figures of all of them together.
The package depends on Polygon3, whose licence forbids commercial use: it is no dependency of this project.
"""

import json
import sys
import time
from argparse import Namespace
from dataclasses import asdict

SETTINGS = {
    "BOX_TYPE": "QUAD", "TRANSCRIPTION": True, "CONFIDENCES": False, "CRLF": False, "E2E": True, "ORIENTATION": False,
    "CASE_SENSITIVE": True, "RECOG_SCORE": True, "AREA_PRECISION_CONSTRAINT": 0.3, "DUMP_SAMPLE_RESULT": False,
    "RECALL_GRANULARITY_PENALTY_WEIGHT": 1.0, "PRECISION_GRANULARITY_PENALTY_WEIGHT": 1.0,
    "VERTICAL_ASPECT_RATIO_THRESH": 0.5,
}  # fmt: skip
"""The defaults of its command line with --E2E."""


def main(labels: str, predictions: str) -> None:
    """Score all pages, the first one twice: compiling is no part of the time."""
    from cleval.data import GlobalResult, accumulate_result, calculate_global_rph  # noqa: PLC0415 - not installed here
    from cleval.main import eval_single, get_file_paths  # noqa: PLC0415

    settings = Namespace(**SETTINGS)
    pages = list(zip(*get_file_paths(labels, predictions), strict=True))
    eval_single(settings, *pages[0])
    total = GlobalResult()
    start = time.process_time()
    for page in pages:
        accumulate_result(total, eval_single(settings, *page), True)
    seconds = time.process_time() - start
    calculate_global_rph(total, True)
    print(json.dumps({"seconds": seconds, "pages": len(pages), "all": asdict(total.stats)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
