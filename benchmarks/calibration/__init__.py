"""Are E-values honest? Models that have nothing in common, of every width, and how small their p-values are."""
