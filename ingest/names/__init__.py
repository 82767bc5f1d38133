"""What a tensor does and where it stands, from its name: tables of published architectures, and how they are read."""
