"""HTTP in: paths, parameters, and how facts become answers."""
