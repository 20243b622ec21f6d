"""What a process shows of itself: health, lag, metrics, logs, traces, audit events, instances on a topic."""
