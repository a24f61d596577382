"""Network policies and the roads round them: can a packet pass from here to there, whoever may create what.

Built on plain Kubernetes objects, pure, without input or output. Policy engines of network plugins were rejected as
a base: each knows one plugin's behaviour, and a proof has to hold under all that are allowed.
"""
