"""Classic protocols, as plain actors: the models by which model checkers are compared."""
