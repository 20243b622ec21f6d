"""The loop around a service: poll, answer, publish, checkpoint, commit; what it waits for, and what ends it."""
