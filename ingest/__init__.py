"""From a source to a fingerprint: sources -> formats -> names and layouts -> plan -> reading -> fingerprint."""
