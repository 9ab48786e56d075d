"""From files to clean pairs: downloads, tables, joins, questions, preparation, splits, pretraining corpus, passages."""
