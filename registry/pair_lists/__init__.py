"""Public benchmarks as data: lists of pairs of published models with what is true of them, read, asked and scored."""
