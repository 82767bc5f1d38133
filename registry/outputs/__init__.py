"""What models answer to a fixed list of random prompts: asked for, kept and compared."""
