"""The backend of `poolkeeper run`: manifests from files, one router started here.

From files to a pool that serves:

    yaml_text        text -> plain values
    manifest_files   files -> documents, and what is wrong with the files
    manifests        documents -> resources, Secrets and ConfigMaps, and what is wrong with them (secret_data)
    reference_check  do they fit together?
    state_dir        where a run keeps its things: one run a folder (run_record, router_log, manual_overrides)
    volumes          a tiny kubelet: the Deployment's volumes as files
    router           a tiny container runtime: the router's process, from start to drain
    probe_schedule   a tiny CronJob: the probe on its schedule (probe_results)
    backend          reconcile.Backend over all of these
    run              the loop: look, reconcile, keep the router alive, until asked to stop (console)
"""
