"""Work on a registry: ingesting, watching, comparing, and the engines that carry it out."""
