"""Operating an instance: start, watch, stop, inspect, back up; what ``tongquan`` does on one machine."""
