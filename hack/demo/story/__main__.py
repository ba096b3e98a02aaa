"""`make try` plays the story on this machine, `make up` on the current cluster (--cluster)."""

import os
import sys
import time

from openai import OpenAIError
from rich.markup import escape

from hack.demo.story.cluster_stage import on_a_cluster
from hack.demo.story.local_stage import on_this_machine
from hack.demo.story.patience import StoryError
from hack.demo.story.script import Story, console

DEMO_NAMESPACE = "poolkeeper-demo"


def main(arguments: list[str]) -> int:
    began_s = time.monotonic()
    stage = on_a_cluster(dict(os.environ), DEMO_NAMESPACE) if "--cluster" in arguments else on_this_machine()
    try:
        with stage as set_up:
            story = Story(set_up)
            story.show_messages()
            story.play()
    except (StoryError, OpenAIError) as error:
        console.print(f"\n[bold red]The story does not hold:[/] {escape(str(error))}")
        return 1
    took_s = time.monotonic() - began_s
    console.print(f"\n[bold green]Every answer arrived.[/] Four failures, no failed request, {took_s:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
