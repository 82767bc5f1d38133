-- Where the names of tables are looked for now: inside a transaction on a catalogue, in its own tables first.
SELECT current_setting('search_path');
