"""Windowed views on faust-streaming: a process of their own beside the telemetry service.

Apart because faust brings its own consumer, whose known stalls (docs/adr) must never hold up the log store or the state
API, and because it costs seven times as much per message as our own loop.
"""
