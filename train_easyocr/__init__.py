"""Fine-tune EasyOCR on scanned Korean public documents.

The way of the data: archives -> pages -> word patches -> batches -> weights -> installed reader -> predictions
-> scores -> report. Each arrow is one subpackage that knows only the types beside it.
"""

import os

# Before torch is loaded: its threads wait for each other by spinning, which all but stops training beside other busy
# processes (measured: more than ten times slower). A thousand rounds cost next to nothing on an idle machine, where
# sleeping at once takes nearly twice the time.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
