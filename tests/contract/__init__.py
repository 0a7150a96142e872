"""What users' scripts and files rely on (commands, settings, files, figures, exit statuses), whatever is inside.

Nothing here imports the package. Expectations are literal: options.txt, settings.txt, published.yaml, golden.json and
assets/. They change only where what is right changes, in a commit that says why; make_golden.py writes figures anew.
"""
