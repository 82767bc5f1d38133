"""Cases: a public dispute as a file, answered by one command, and made again from what the answer says of itself."""
