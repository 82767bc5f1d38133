"""What stands beside the weights: config and card, tokenizer and vocabulary."""
