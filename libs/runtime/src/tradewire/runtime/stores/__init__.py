"""Where state is kept: changelog topics and Postgres, written before the offsets that it covers."""
