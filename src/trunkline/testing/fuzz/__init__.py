"""Everything of ours that reads bytes of strangers, as targets for fuzzers: seeds, mutations, and what must hold.

    target = targets()["sip"]
    for data in Mutator(seed=7, corpus=target.corpus).draw(20_000):
        target.run(data)  # an exception is a finding

`corpus` has sound bytes to begin with, `mutate` damages them by a seed, `targets` says what no input may do.
"""
