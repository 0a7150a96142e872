"""Fine-tune EasyOCR on scanned Korean public documents.

The way of the data: archives -> pages -> word patches -> batches -> weights -> installed reader -> predictions
-> scores -> report. Each arrow is one subpackage that knows only the types beside it.
"""

import os

# Before torch is loaded: its threads wait for each other by spinning, which all but stops training beside other busy
# processes (measured: more than ten times slower). A thousand rounds cost next to nothing on an idle machine, where
# sleeping at once takes nearly twice the time.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# Before ONNX Runtime is loaded: since 1.29 its wheels for Linux tell their maker about each session and keep a number
# of this machine in its cache folder, unless they are told not to at the start.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
