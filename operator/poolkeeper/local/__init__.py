"""The file-backed world of `poolkeeper run`: manifests from files, a router started here.

From files to a served pool:

    documents   files -> YAML documents, and what is wrong with them
    declared    documents -> resources and contents, checked one by one and against each other
    statedir    where a run keeps its things; one run a folder
    volumes     a tiny kubelet: the Deployment's volumes as files
    router      a tiny container runtime: the router's process, from start to drain
    probes      what runs of the probe leave behind, and what is remembered
    world       the World of reconcile() over all of these
    run         the loop: look, reconcile, keep the router alive, until told to stop
"""
