"""The local page: a server for one collection, its templates and its scripts. Needs the extra `web`."""
