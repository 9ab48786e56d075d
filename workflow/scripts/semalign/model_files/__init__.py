"""Is a model folder what it claims? Names, headers, modules and tensors."""
