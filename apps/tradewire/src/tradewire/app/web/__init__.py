"""The dashboard's process: pages, and the state API beside them under one origin."""
