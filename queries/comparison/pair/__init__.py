"""Two models tensor by tensor and layer by layer: what stands beside what, and how alike it is."""
