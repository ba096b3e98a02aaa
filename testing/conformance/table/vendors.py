"""Events by which vendors say inside a stream that it will not be finished."""

import json

from testing.fakes.deepseek import bodies

BUSY_EVENT = f"data: {bodies.busy().decode()}\n\ndata: [DONE]\n\n"
STRING_CODE = (
    f"data: {json.dumps({'error': {'code': 'server_error', 'message': 'Provider gave up'}, 'choices': []})}\n\n"
)
