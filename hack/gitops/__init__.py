"""`make e2e-gitops`: a real Argo CD, without its interface, a test cluster, and a git repository on this machine.

argo      Argo CD's application controller and repository server as processes of this machine, with their Redis
repo      the git repository that Argo CD reads
__main__  the story: what is pushed, what Argo CD makes of it, and when; writes the timeline into docs/gitops.md
"""
