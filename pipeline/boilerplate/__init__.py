"""The site's memory: which blocks of its pages recur over different articles, and are no part of them.

It looks at each page as a row of blocks (`Sketch`: for each block a digest of its words, its place, what sort of text
it is) and keeps the sketches of the site's latest pages. All that it believes (`Lesson`) is worked out anew from
these, whenever pages come in: nothing has to be unlearned, what is seen no longer ages out with its pages, and the
order in which pages came does not matter. Pure: it reads and writes nothing; `pipeline.steps` keeps its documents.

What it believes, and why it is safe to:

- *Stories*, not pages, are counted. Pages that have little of their own beside each other (copies, print pages,
  syndicated texts, versions of one article) count once, however many they are.
- A block is *above*, *inside* or *below* the text, by where the prose stands that only its page has. Above and below,
  what most stories have is furniture. So is what stands at an end of the page that never has prose of its own: that
  is how adverts, jobs and events are known that change with every day, but not in place and shape.
- *Inside*, what recurs mostly belongs there ("The council said:", legal lines, standing headings), and is kept, unless
  it stands at the same place of most stories, or is a call or a link.
- Where little would be left of a page, nothing is taken, and the report says so (`Memory.judge_page`).

Not for what one page says of itself: that is `pipeline.body`.
"""

from __future__ import annotations

from pipeline.boilerplate.judging import Judgement
from pipeline.boilerplate.lessons import FEWEST, Lesson
from pipeline.boilerplate.memory import LEFT_CHARACTERS, LEFT_SHARE, UNSEEN, WINDOW, Memory, Review, join, learn
from pipeline.boilerplate.sketches import BlockLike, Observed, Sketch, digest_words, is_prose, sketch_page

__all__ = [
    "FEWEST",
    "LEFT_CHARACTERS",
    "LEFT_SHARE",
    "UNSEEN",
    "WINDOW",
    "BlockLike",
    "Judgement",
    "Lesson",
    "Memory",
    "Observed",
    "Review",
    "Sketch",
    "digest_words",
    "is_prose",
    "join",
    "learn",
    "sketch_page",
]
