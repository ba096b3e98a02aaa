"""The operator under faults: a real API server, a proxy before it that breaks things by number, and who compares.

control_plane  etcd, kube-apiserver and kube-controller-manager as processes on loopback; nodes are not needed
client         what a user does to it
fleet          stands for nodes and routers: makes router Pods ready and answers for them
proxy          between the operator and the API server: numbers every write and every watch event, and breaks some
faults         which, and how
objects        without what moves by itself, and where two differ
history        what the user does in a run, and what is left at its end
"""
