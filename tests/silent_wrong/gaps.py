"""Which rows do not hold yet?  By name, so that one that comes right is taken out."""

NOT_YET: frozenset[str] = frozenset()
