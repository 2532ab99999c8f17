"""Records as the user's tokenizer and chat template see them."""
