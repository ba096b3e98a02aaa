"""A scripted DeepSeek: answers like the real API, and fails like it too, on command.

    http1       bytes -> requests, and the head and framing of responses          pure
    jsonin      values of unknown shape -> typed values, or an error with a path   pure
    ask         a request body -> what the client asks for                         pure
    skins       bodies of other surfaces -> the chat request that asks for the same  pure
    text        a seed -> tokens, and what is left of them after a prefill         pure
    params      the dials of a scenario                                            pure
    steps       what an answer does on the wire: send, wait, hang, close, reset    pure
    bodies      the provider's error bodies, word for word                         pure
    reply       what is asked for -> what is said: words, finish_reason, usage     pure
    render      the answer -> SSE events and JSON bodies                           pure
    render_messages, render_responses: the same in these protocols                 pure
    writers     which of the three writes for a surface                            pure
    answer      a good answer in parts: head, beats, framing, end                  pure
    programs    an answer -> steps: good ones, refusals                            pure
    faults      an answer -> steps that fail                                       pure
    scenarios   the table: name -> program and its defaults                        pure
    plan        which scenario a request meets: one, a script, a mix, a timeline   pure
    log         who asked what with which key, and how it ended; the counters
    admission   the in-flight limit and its queue
    promptcache how much of a prompt the account has sent before
    provider    a request -> steps: keys, models, limits, then the scenario
    control     the /_fake/ API
    connection  plays steps on a socket, notices clients that leave
    listener    the listening sockets, which can go away and come back

Whatever is pure decides; connection and listener alone do I/O.
"""
