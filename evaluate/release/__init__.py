"""What leaves the workspace: merged weights, model card, GGUF."""
