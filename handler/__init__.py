"""The TorchServe handler: everything here travels in the archive and runs in the worker. It never imports berth."""
