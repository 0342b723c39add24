"""Which small runs tell most about a law at a scale that none of them reaches."""
