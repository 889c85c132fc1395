"""The benchmark: `python -m bench`, or `make bench`. README.md says how each figure is taken."""
