"""Operating an instance: start, watch, stop, look at, back up; what ``tongquan`` does on one machine."""
