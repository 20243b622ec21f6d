"""Orders, fills and accounts; the ledger and its outbox."""
