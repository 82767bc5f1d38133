"""Family trees drawn: as indented text, and for Graphviz, Mermaid, Newick readers and browsers."""
