"""The service loop, buses, codec, tracing, metrics, logs and health of every tradewire process."""
