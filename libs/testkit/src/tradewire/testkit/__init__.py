"""Contract suites per port, fakes, builders and hypothesis strategies."""
