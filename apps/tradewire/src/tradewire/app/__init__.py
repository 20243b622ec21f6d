"""The tradewire command, the monolith and the embedded stack."""
