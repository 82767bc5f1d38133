"""The frozen records that a comparison consists of, and their JSON document."""
