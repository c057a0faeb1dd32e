"""Programs that show and measure Muniment; none of them is part of the package.

* ``python -m bench.demo`` (``make demo``): both sites of a small newsroom through the whole path, twice.
* ``python -m bench.newsroom --serve``: the newsroom alone, to look at and to edit.
* ``python -m bench.replay PACK``: real pages through the pipeline beside simpler tools, with figures.
"""
