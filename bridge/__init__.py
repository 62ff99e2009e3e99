"""Between database and engine: the feed (what the engine did), the relay (what it is to do), and what
watches over them."""
