"""Records as flat columns, and the schemas that judge them."""
