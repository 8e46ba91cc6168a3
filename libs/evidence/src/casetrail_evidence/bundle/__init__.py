"""Evidence bundles: everything about one case in one zip that can be checked without us."""
