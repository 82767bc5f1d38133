"""Answers for people: numbers, the ancestors report, the HTML page of a comparison."""
