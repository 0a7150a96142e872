"""Fine-tune EasyOCR on scanned Korean public documents.

The way of the data: archives -> pages -> word patches -> batches -> weights -> installed reader -> predictions
-> scores -> report. Each arrow is one subpackage that knows only the types beside it.
"""

import os

# Before torch is loaded: its threads otherwise wait for each other by spinning, which on a machine with anything else to
# do (data loading is enough) makes training ten times slower and more.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
