"""Real client libraries, each as a small program that asks one question in a stream and says what it holds at the end.

programs/   a program for each library, in its language: a question as JSON in, what the library made of it out
library     the libraries: what each is made of, how it is started, which surface it speaks
"""
