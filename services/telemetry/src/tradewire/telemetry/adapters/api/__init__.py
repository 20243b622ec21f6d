"""The state API: what a dashboard needs, documented by OpenAPI at /docs of the service's HTTP port."""
