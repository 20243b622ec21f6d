"""Execution's domain: the event-time join of bars and assessments, and the accounts they change."""
