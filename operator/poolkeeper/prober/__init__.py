"""One run of the probe: what a CronJob's Pod, `poolkeeper probe --now` and `poolkeeper run` all do.

files       what is mounted: the document, keys, authorities, samples
endpoint    one endpoint, from its name to the last token
run         all of them at once, within the day's budget and a limit of time
now         that, by this machine's clock and dice
"""
