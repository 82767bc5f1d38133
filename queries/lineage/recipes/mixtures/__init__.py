"""Which relatives is a model a mixture of? What the methods start from: sums, values taken over, changes kept alone."""
