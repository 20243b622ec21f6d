"""Where risk's limits are kept."""
