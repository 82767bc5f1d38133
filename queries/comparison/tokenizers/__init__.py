"""Two tokenizers side by side: tokens, merges, specials, encodings, and rows by token."""
