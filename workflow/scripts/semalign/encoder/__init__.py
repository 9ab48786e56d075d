"""The sentence encoder: model, contrastive training, exam."""
