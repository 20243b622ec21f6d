"""The strategy service's domain: answering configurations, and answering bars."""
