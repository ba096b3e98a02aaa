"""What a person can type: each file is one command, main.py is the list of them."""
