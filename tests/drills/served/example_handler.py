"""A handler in the way of TorchServe's Hugging Face example, our own writing: BaseHandler, from_pretrained, a label.

It imports what the example does (pytorch/serve, examples/Huggingface_Transformers/Transformer_handler_generalized.py).
"""

import torch
from captum.attr import LayerIntegratedGradients  # noqa: F401 - for explanations, which nobody asks for here
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from ts.torch_handler.base_handler import BaseHandler


class ExampleHandler(BaseHandler):  # type: ignore[misc]  # ts has no types
    def initialize(self, context):
        self.manifest = context.manifest
        folder = context.system_properties["model_dir"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        self.initialized = True

    def preprocess(self, requests):
        texts = [(request.get("data") or request.get("body")).decode() for request in requests]
        return self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")

    def inference(self, encoded):
        with torch.inference_mode():
            return self.model(**encoded).logits.argmax(1)

    def postprocess(self, classes):
        return [self.model.config.id2label[index] for index in classes.tolist()]
