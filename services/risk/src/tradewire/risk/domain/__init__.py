"""Risk's domain: the event-time join of evaluations and account states, and what an account has been through."""
