"""The command line: the only room that knows Hydra; turns a configuration into objects and calls the rooms below."""
