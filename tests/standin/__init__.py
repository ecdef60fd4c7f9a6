"""The ClearML server stand-in and its client, for tests and the demo (see clearml_server.py)."""
