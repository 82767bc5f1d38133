"""From a source to a fingerprint: sources -> formats -> naming -> leading rows -> fingerprint -> Arrow."""
