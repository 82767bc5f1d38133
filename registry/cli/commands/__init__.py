"""The commands, a file each: a function that parses, calls one library function and prints what it returns."""
