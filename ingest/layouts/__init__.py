"""How matrices lie in checkpoints: fused, transposed and stacked weights as the matrices that an architecture means."""
