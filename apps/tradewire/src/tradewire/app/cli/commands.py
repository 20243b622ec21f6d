"""All commands, loaded."""

from tradewire.app.cli.on_demand import whole

app = whole()
