"""Plain English: finds words for which vocabulary.txt has a better one, in pages, messages and comments.

texts.py extracts the prose of a file, vocabulary.py reads the list, __main__.py goes through the files.
"""
