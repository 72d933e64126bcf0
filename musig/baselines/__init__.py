"""Methods to be beaten: each a file, each a scorer (:class:`musig.scorers.Scorer`).

Simple neighbours, tuned, beat most of what was published to beat them (Ferrari Dacrema, Cremonesi,
Jannach: Are We Really Making Much Progress?, RecSys 2019, arXiv 1907.06902): a method that claims
to win must win against these, on the same split, universe, seeds and metrics.

Nothing is imported here: a method is taken from the module of its name, so that what it was
computed with does not change when another method does.

Contents
--------
popularity, chance: what knows nothing of the seeds. itemknn, userknn, als, ease: collaborative
filtering. incidence: playlists as a matrix, which those share.
"""
