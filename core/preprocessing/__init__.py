"""From a study's image to a model's tensor, by the model's input contract."""
