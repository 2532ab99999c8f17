"""What records are about: clusters of their words.

Texts become TF-IDF vectors, which a truncated singular value decomposition reduces to their main
directions (Deerwester et al. 1990, "Indexing by latent semantic analysis"), and k-means groups
them. Texts have no true number of topics (criteria such as the silhouette ask for ever more), so it
is chosen for the reader: a topic has some tens of texts at least, and there are at most twenty.
Everything that chance decides has a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST, MOST = 4, 20
"""How many topics there are at least, and at most."""

_TEXTS_OF_A_TOPIC = 20
_DIRECTIONS = 50
_MOST_FEATURES = 20_000
_SHOWN_TERMS = 5
_SEED = 0


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of texts.

    Attributes:
        texts: how many.
        terms: the words that tell it from the others, the most telling first.
    """

    texts: int
    terms: tuple[str, ...]


def number_of_topics(texts: int) -> int:
    """Return how many topics so many texts are told in.

    Example:
        >>> number_of_topics(300), number_of_topics(3000), number_of_topics(100_000)
        (4, 12, 20)
    """
    return max(FEWEST, min(MOST, round((texts / _TEXTS_OF_A_TOPIC) ** 0.5)))


def find_topics(texts: Sequence[str]) -> tuple[Topic, ...]:
    """Group texts by what they are about.

    Args:
        texts: a few hundred at least.

    Returns:
        The topics, the largest first; none where the texts have no words to tell them apart by.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    words = _word_vectors(texts)
    if words is None:
        return ()
    features, names = words
    directions = min(_DIRECTIONS, min(features.shape) - 1)
    reduced = normalize(TruncatedSVD(directions, random_state=_SEED).fit_transform(features))
    number = number_of_topics(len(reduced))
    found = KMeans(number, n_init="auto", random_state=_SEED).fit_predict(reduced)
    return _describe(features, names, found)


def _word_vectors(texts: Sequence[str]) -> tuple[Any, NDArray[np.str_]] | None:
    """Return TF-IDF vectors of the texts that have any, and the words; None without such words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        stop_words="english",
        token_pattern=r"(?u)\b[^\W\d_]{3,}\b",
        min_df=max(3, len(texts) // 1000),
        max_df=0.5,
        max_features=_MOST_FEATURES,
        sublinear_tf=True,
        dtype=np.float64,
    )
    try:
        features = vectorizer.fit_transform(texts)
    except ValueError:
        # No word is left that is neither rare nor everywhere.
        return None
    features = features[features.getnnz(axis=1) > 0]
    if min(features.shape) <= MOST:
        return None
    return features, vectorizer.get_feature_names_out()


def _describe(
    features: Any, names: NDArray[np.str_], found: NDArray[np.int64]
) -> tuple[Topic, ...]:
    """Name each group by the words whose mean weight exceeds that of all texts most."""
    everywhere = np.asarray(features.mean(axis=0)).ravel()
    topics = []
    for group in np.unique(found):
        inside = found == group
        excess = np.asarray(features[inside].mean(axis=0)).ravel() - everywhere
        telling = np.argsort(-excess, kind="stable")[:_SHOWN_TERMS]
        topics.append(Topic(int(inside.sum()), tuple(str(names[i]) for i in telling)))
    return tuple(sorted(topics, key=lambda topic: -topic.texts))
