"""What the containers run besides the product's own programs; see ``docker-compose.yml``."""
