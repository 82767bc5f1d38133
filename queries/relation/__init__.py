"""What two related models share, derivation or initialisation, and what was done to the weights."""
