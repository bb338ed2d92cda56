"""A stand-in for the Hugging Face Hub: a real HTTP server that the real huggingface_hub talks to."""
