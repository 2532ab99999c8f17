"""Where the log of a run goes besides its own folder's tables: TensorBoard, MLflow, W&B."""
