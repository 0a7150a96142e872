"""Fine-tune EasyOCR on scanned Korean public documents.

The way of the data: archives -> pages -> word patches -> batches -> weights -> installed reader -> predictions
-> scores -> report. Each arrow is one subpackage that knows only the types beside it.
"""

import os

# Before torch is loaded: its threads otherwise wait for each other by spinning, which makes training ten times slower
# and more on a machine that has anything else to do (loading data is enough).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
