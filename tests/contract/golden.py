"""Figures of the project before it was rebuilt; they change only with a reason that a commit names."""

import json
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))
