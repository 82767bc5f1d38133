"""Every constant that decides something in `queries/`: value, meaning, what it was set on, how to measure it again.

One module for each trade. The docstring below a constant says the meaning, then `Set on:` and `Measured again by:`;
`make docs` makes docs/thresholds.md of them, and a test holds the two together. Words that come again:

- *bundled zoo*: the 17 small models that `forebear demo` makes;
- *benchmark zoo*: 307 small models of known lineage (`make bench-zoo`); edition 1 is for development,
  edition 2 is held out;
- *field models*: fine-tunes, merges and copies of two published models (`make bench-field-models`), in a development
  half and a held-out half;
- *grown families*: 48 families of small models whose trees are known (`make bench-grown`), half of them held out.
"""
