"""What a checkpoint holds, and how a training resumes from it or ends when it diverges."""
