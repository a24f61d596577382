"""CEL over things that are only partly known: what does an admission policy say to every pod of a certain shape?

An evaluator of concrete values was rejected for the proof: trying pods shows what gets in, never that nothing does.
This one computes with sets of possible values, so "refused" holds for every pod that the shape stands for.
"""
