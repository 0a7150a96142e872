"""Word patches: crops of labelled pages with labels.csv, as PNG files or LMDB."""
