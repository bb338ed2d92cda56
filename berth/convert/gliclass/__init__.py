"""A GLiClass model's folder becomes a checkpoint of its encoder, with the layers behind it in a folder inside."""
