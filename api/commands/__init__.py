"""What people type: a module for each noun, which reads the command line, asks the database and shows the answer."""
