"""The authors' names of parameters, written down apart from the code that translates them."""

import re

TO_THE_AUTHORS = (
    (r'^head\.fc\.', 'head.'), (r'^head\.norm\.', 'norm.'), (r'^stem\.', 'downsample_layers.0.'),
    (r'^stages\.(\d)\.downsample\.', r'downsample_layers.\1.'), (r'\.blocks\.', '.'),
    (r'conv_dw', 'dwconv'), (r'mlp\.fc', 'pwconv'),
)


def as_the_authors_name(name: str) -> str:
    """Translate one of our names, which are timm's."""
    for old, new in TO_THE_AUTHORS:
        name = re.sub(old, new, name)
    return name


def with_the_authors_names(weights: dict) -> dict:
    """Give the same tensors under the authors' names."""
    return {as_the_authors_name(name): value for name, value in weights.items()}
