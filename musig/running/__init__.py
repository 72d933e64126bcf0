"""From notebooks to a book: parameters, profiles, runs, records, the pages that are built.

In the order in which a run goes: `parameters` are read from a notebook and `profiles` give them
values; `freshness` tells whether it has to run; `kernels` executes it and `runs` a set of them;
`records` keep what came out, on which `machine`; `ledger` and `book` make pages of it.
"""
