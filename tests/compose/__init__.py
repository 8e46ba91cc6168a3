"""The containers of docker-compose.yml, really run; see `make compose-test`."""
