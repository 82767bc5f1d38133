"""What the server answers: one file a page, with the API's answer to the same question beside it."""
