"""What reads without torch does not load it."""

import subprocess
import sys

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {'torch', 'torchvision', 'easyocr'}:
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
"""
MODULES = ["reading.words", "reading.pipeline", "reading.run", "detection.db_boxes", "detection.scaling"]


def test_no_torch_is_loaded():
    code = BLOCKED + "\n".join(f"import train_easyocr.{name}" for name in MODULES)
    subprocess.run([sys.executable, "-c", code], check=True)
