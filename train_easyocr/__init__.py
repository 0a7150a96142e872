"""Fine-tune EasyOCR on scanned Korean public documents.

The way of the data: archives -> pages -> word patches -> batches -> weights -> installed reader -> predictions
-> scores -> report. Each arrow is one subpackage that knows only the types beside it.
"""
