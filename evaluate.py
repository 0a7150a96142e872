"""Step 5: read an evaluation set with EasyOCR as it is and with the fine-tuned model, and score both.

    python3 evaluate.py --eval_set DIR [--baseline] [--finetuned] [--no_cuda] [--boxes labels|detector]
    python3 evaluate.py --eval_set DIR --predictions FILE    # what another system read, alone or beside ours
    python3 evaluate.py --history                            # all evaluations that were kept
    python3 evaluate.py --compare last starter               # two of them, page by page

Writes evaluation_result.csv, evaluation_result.json, evaluation_predictions.jsonl, and what the figures don't tell, in
report.md and analysis.json: what went wrong word by word, which characters are confused, whether a difference is more
than chance, which labels look wrong. evaluation_report.html shows all that, and every page. All goes into --output.
Stopped at any moment and started again, it goes on where it was. Ends with 0; with 1 when a model could not be
evaluated or no page could be scored; with 2 when the command itself is wrong; with 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from train_easyocr.common.command_line import command
from train_easyocr.evaluation.arguments import parse_args
from train_easyocr.settings.config import load_config


@command("evaluate.py")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run step 5; return 1 where a model was left out."""
    parsed = parse_args(arguments)
    config = load_config(parsed.config, parsed.overrides)
    # Loading torch and EasyOCR takes seconds, which --help and a wrong setting need not.
    from train_easyocr.evaluation.command import run  # noqa: PLC0415

    return run(parsed, config)


if __name__ == "__main__":
    sys.exit(main())
