"""What makes a rule rerun: hashes of code and files, and how the workflow plans."""
