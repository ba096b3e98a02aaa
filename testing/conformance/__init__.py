"""A conformance suite for LLM gateways that stand in front of unreliable providers.

    case        what providers play, what the caller must get, what providers must have seen: data
    table/      the cases, a file for each family of failure classes
    answer      the bytes a caller got -> what they say: text, end, errors                      pure
    judge       a case and what happened -> the expectations that do not hold, in words          pure
    caller      one request over real HTTP, read to its end, left early, or given up
    wire        providers that break HTTP itself, or use other error formats
    stage       the providers of one case, and the case played through a gateway
    llmock      another fake provider, which grades its callers
    with_poolkeeper, with_litellm  a gateway under test, in front of the providers of a case

A gateway is judged by what both sides of it see. Expected texts come from the scripted provider itself, asked the same
question without a gateway in between.
"""
