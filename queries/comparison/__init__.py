"""Two models side by side, with controls: the verdict, and every figure that a sceptic may ask for."""
