"""What huggingface_hub's InferenceClient asks and reads, where that is not what transformers' pipelines do."""
