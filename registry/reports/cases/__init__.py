"""A case as a document for people: sections of words, tables and figures, in English or in Korean."""
