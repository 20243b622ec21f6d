"""One budget of a venue's rate limits for all processes behind one address, with lanes by urgency (ADR 36)."""
