"""Methods that leave changes out at random, by a seed that nobody states."""
