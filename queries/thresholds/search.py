"""Who is looked at: how many candidates of the registry's scan get the full evidence."""

from __future__ import annotations

LEAST_Z = 4.0
"""Models whose sketch is at least this near (z, a standard normal for unrelated ones) get the full evidence,
beside the nearest few. Relations had 14 and more, unrelated models 1.0. Where sqrt(2 ln models) is larger, in
registries of over 3,000 models, that is the bound.

Set on: not recorded beyond these figures.
Measured again by: make bench-scale
"""
MOST_CANDIDATES = 64
"""Candidates that get the full evidence, at most, of those that positions or gram find. Each takes 10 ms.

Set on: registries of 1,000 to 1,000,000 models, in which the true parent was a candidate in 20 of 20 questions.
Measured again by: make bench-scale
"""
FEWEST_CANDIDATES = 24
"""Candidates that get the full evidence whatever their z: a relation may be too weak for the sketch, as a shared
initialisation is (z of 1 to 3). Also the most that column sets and that activations add.

Set on: registries of 1,000 to 1,000,000 models.
Measured again by: make bench-scale
"""
WEAK_UP_TO = 100_000
"""Models up to which FEWEST_CANDIDATES come whatever their z, beyond which they fill the rows asked for. The 24th of
so many unrelated models has a z of 3.5 by chance, of a million 4.1: a shared initialisation with a z of 2 +- 1 is
nearer than it in 7 and in 2 of 100 questions, and nearer than the 10th in 4 and in 1.

Set on: the quantiles of a standard normal, which the z of unrelated models are.
Measured again by: make bench-scale
"""
CENTRAL_CANDIDATES = 16
"""Of MOST_CANDIDATES so many are those nearest to the centre of a large family, the others those nearest to the
query. Of 3,000 siblings the 16 in the middle held the model that all come from in 200 questions of 200.

Set on: families of 3,000 siblings with drifts of 1 to 10 %.
Measured again by: make bench-scale
"""
FAMILY_MEMBERS = 2048
"""Members of a large family, at most, whose centre is looked for. Of 3,000 siblings the 128 nearest alone held
their parent in 12 questions of 20. A parent among the siblings is one of the 48 nearest in 100 of 100 up to a
drift of 3 %, in 83 at 10 %, where the 112 nearest hold it in 88.

Set on: families of 3,000 siblings with drifts of 1 to 10 %.
Measured again by: make bench-scale
"""
UNRELATED_CANDIDATES = 0.1
"""An audit looks as near as leaves this many unrelated models among the candidates of one model, for each of
positions and gram: z of 2.5 in a registry of 17 models, 4.4 in one of 20,000.

Set on: no data; time was chosen, for 10 ms a pair.
Measured again by: make bench-audit
"""
PARTS_CANDIDATES = 128
"""The models nearest by sketch that `parts` looks at whatever their z: a part of few layers is far by the whole model.

Set on: no data; a limit on work.
Measured again by: pytest tests/queries/answers/test_parts.py
"""
