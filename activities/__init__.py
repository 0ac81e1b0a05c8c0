"""Touch the world: decode, one use case, encode. A file per stage of the story.

The Functions worker refuses parameterised annotations on an activity's
parameter ("invalid non-type annotation"): ``payload: dict``, never
``dict[str, object]``.
"""
