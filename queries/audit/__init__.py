"""Questions of an audit, one .sql file each, and the evidence stage of it: answers for a batch of queries."""
