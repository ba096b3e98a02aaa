"""The page of `poolkeeper dashboard`: what is broken, since when, what is done about it, what to do.

Facts that the command line has gathered come in, one JSON document and a few static files go out, to a browser on
this machine. It gathers nothing itself, keeps what it draws in its own memory, and ends with the command.
"""
