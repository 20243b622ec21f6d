"""Making a platform run and telling it what to do: runs, kept platforms, monolith, strategies, limits, controls."""
