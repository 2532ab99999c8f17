"""The keys of a recipe, by group; `recipe.py` puts them together."""
